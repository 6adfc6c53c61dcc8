#include "transport/nvmeof/kernel_peer.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/thread.h"
#include "transport/local_files/lane.h"

namespace mc::nvmeof {

using nvme::kernel::Holder;
using nvme::kernel::KernelController;
using nvme::kernel::KernelHost;
using nvme::kernel::KernelHostOptions;
using nvme::kernel::KernelTarget;

namespace {

constexpr std::chrono::seconds kConnectTime{10};
// For all namespaces to appear, and for those that are missing to appear later.
constexpr std::chrono::seconds kAppearTime{5};
constexpr std::chrono::seconds kAppearAgainTime{1};
// Between looks at a target that can't be reached.
constexpr std::chrono::milliseconds kPause{500};

// Each peer of this process holds its controller by itself.
unsigned nextPeer() {
    static std::atomic<unsigned> peers = 0;
    return peers.fetch_add(1, std::memory_order_relaxed);
}

void warnOfMissing(const KernelFiles& files) {
    for (const Error& missing : files.missing()) {
        log::warning("nvmeof: {}", missing.message);
    }
}

KernelHostOptions hostOptions(const NvmeofOptions& options, std::size_t loops) {
    return {.host_nqn = options.self.nqn,
            .host_id = {},
            .key = options.self.key,
            .controller_key = options.self.controller_key,
            .header_digest = options.header_digest,
            .data_digest = options.data_digest,
            .io_queues = static_cast<int>(loops),
            .queue_entries = options.queue_entries < 16 ? 16 : options.queue_entries,  // The kernel takes no fewer.
            .loss_timeout = options.loss_timeout,
            .fail_timeout = options.loss_timeout};
}

}  // namespace

Result<std::unique_ptr<KernelPeer>> KernelPeer::open(Setup setup, RemoteTarget target) {
    const Holder holder = Holder::process(nextPeer());
    auto attachment = attach(setup, target, holder, nullptr, kAppearTime);
    if (!attachment) return std::unexpected(attachment.error());
    warnOfMissing(*attachment->files);
    const KernelHost& host = setup.host;
    const KernelController controller = attachment->controller;
    try {
        return std::unique_ptr<KernelPeer>(
            new KernelPeer(std::move(setup), holder, std::move(target), std::move(*attachment)));
    } catch (const std::system_error& error) {
        (void)host.disconnect(controller, holder, SteadyClock::now() + kConnectTime);
        return failErrno("start thread", "mc-nvme-settle", error.code().value());
    }
}

KernelPeer::KernelPeer(Setup setup, Holder holder, RemoteTarget target, Attachment attachment)
    : RemotePeer(setup.loops),
      setup_(std::move(setup)),
      holder_(std::move(holder)),
      attachment_(std::move(attachment)),
      target_(std::move(target)),
      box_(*this, attachment_.files),
      settler_([this](const std::stop_token& stop) {
          nameThisThread("mc-nvme-settle");
          settleDoubts(stop);
      }) {}

KernelPeer::~KernelPeer() {
    letGo();
}

std::unique_ptr<mc::Lane> KernelPeer::makeLane(LaneContext& context) {
    return std::make_unique<localfiles::Lane>(context, box_, setup_.queue_of(context));
}

Result<KernelPeer::Attachment> KernelPeer::attach(const Setup& setup, const RemoteTarget& target, const Holder& holder,
                                                  const KernelFiles* before, std::chrono::seconds appear_time) {
    const Deadline deadline = SteadyClock::now() + kConnectTime;
    const KernelTarget where{
        .transport = target.transport, .addresses = target.addresses, .subsystem_nqn = target.subsystem_nqn};
    auto controller = setup.host.connect(where, hostOptions(setup.options, setup.loops), holder, deadline);
    if (!controller) return std::unexpected(controller.error());
    auto files = KernelFiles::open(setup.host, *controller, target.numbers(), setup.options.initiator_page_cache,
                                   before, SteadyClock::now() + appear_time);
    if (!files) {
        if (!controller->held_before)
            (void)setup.host.disconnect(*controller, holder, SteadyClock::now() + kConnectTime);
        return std::unexpected(files.error());
    }
    return Attachment{.controller = std::move(*controller), .files = std::move(*files)};
}

Result<void> KernelPeer::follow(RemoteTarget target) {
    {
        const std::lock_guard lock(mutex_);
        if (target.isSame(target_)) return {};
        target_ = std::move(target);
    }
    auto renewed = renew();
    if (!renewed) return std::unexpected(renewed.error());
    return {};
}

// True where the files are others now.
Result<bool> KernelPeer::renew() {
    const std::lock_guard lock(renewing_);
    if (gone_) return fail(ErrorCode::Unavailable, "the transport is being shut down");
    RemoteTarget target;
    {
        const std::lock_guard guard(mutex_);
        target = target_;
    }
    const auto before = setup_.host.look(attachment_.controller);
    auto attachment = attach(setup_, target, holder_, attachment_.files.get(), kAppearAgainTime);
    if (!attachment) return std::unexpected(attachment.error());
    const bool moved = !before || before->identity != attachment->controller.entry.identity;
    // Where the connection was lost, requests may have failed for that alone.
    const bool others = moved || before->state != "live" || !attachment->files->sameAs(*attachment_.files);
    if (!others) return false;
    const Attachment old = std::exchange(attachment_, std::move(*attachment));
    box_.set(attachment_.files);
    warnOfMissing(*attachment_.files);
    if (moved) release(old.controller);
    return true;
}

void KernelPeer::settleDoubts(const std::stop_token& stop) {
    bool told = false;
    std::unique_lock lock(mutex_);
    while (doubted_.wait(lock, stop, [this] { return doubts_ > settled_; })) {
        const std::uint64_t up_to = doubts_;
        lock.unlock();
        const auto renewed = renew();
        if (!renewed) {
            if (!std::exchange(told, true)) log::warning("nvmeof: {}", renewed.error().message);
            box_.showProblem(renewed.error());  // It says more than a device's EIO.
        } else {
            told = false;
            if (*renewed) box_.showProblem(std::nullopt);
        }
        lock.lock();
        settled_ = up_to;
        unclear_ = !renewed;
        if (unclear_) doubted_.wait_for(lock, stop, kPause, [] { return false; });
    }
}

std::uint64_t KernelPeer::Box::doubt() {
    const std::lock_guard lock(peer_.mutex_);
    if (peer_.settler_.get_stop_token().stop_requested()) return 0;
    peer_.doubted_.notify_one();
    return ++peer_.doubts_;
}

BlockFilesBox::Doubt KernelPeer::Box::outcome(std::uint64_t number) const {
    const std::lock_guard lock(peer_.mutex_);
    if (peer_.settler_.get_stop_token().stop_requested()) return Doubt::Refuted;
    if (number > peer_.settled_) return Doubt::Open;
    return peer_.unclear_ ? Doubt::Unclear : Doubt::Refuted;
}

PeerInfo KernelPeer::inspect() const {
    PeerInfo info;
    info.keeps_connections = true;
    info.initiator = "kernel";
    info.page_cache = setup_.options.initiator_page_cache;
    info.problem = box_.problem();
    info.read_only_files = std::static_pointer_cast<const KernelFiles>(box_.get())->readOnly();
    return info;
}

void KernelPeer::letGo() {
    settler_.request_stop();
    const std::lock_guard lock(renewing_);
    if (!std::exchange(gone_, true)) release(attachment_.controller);
}

void KernelPeer::release(const KernelController& controller) {
    const auto done = setup_.host.disconnect(controller, holder_, SteadyClock::now() + kConnectTime);
    if (!done) log::warning("nvmeof: {}", done.error().message);
}

}  // namespace mc::nvmeof
