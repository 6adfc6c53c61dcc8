#include "nvme/host/host_controller.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "io/socket.h"
#include "nvme/host/host_nqn.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {

std::unique_ptr<HostController> HostController::start(io::EventLoop& loop, Owner& owner,
                                                      std::vector<io::SocketAddress> addresses,
                                                      std::string subsystem_nqn, const HostOptions& options) {
    auto completed = host::withIdentity(options);
    auto controller = std::make_unique<host::Controller>(loop, owner, std::move(addresses), std::move(subsystem_nqn),
                                                         completed ? *completed : options);
    controller->begin(completed ? Result<void>{} : std::unexpected(completed.error()));
    return controller;
}

namespace host {
namespace {

constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 16;  // Of a command, by its number of blocks.

bool fits(const HostRequest& request, const NamespaceInfo* space) {
    if (space == nullptr) return false;
    return request.kind == HostRequest::Kind::Flush ||
           (request.offset <= space->size && request.length <= space->size - request.offset);
}

// Whether what was cut for blocks of a namespace fits to those that it has now.
bool goesOnWith(const HostRequest& request, std::uint32_t block_size) {
    if (!request.part && request.issued == 0) return true;
    return (request.offset + request.issued) % block_size == 0 && (request.length - request.issued) % block_size == 0;
}

}  // namespace

Controller::Controller(io::EventLoop& loop, HostController::Owner& owner, std::vector<io::SocketAddress> addresses,
                       std::string subsystem_nqn, HostOptions options)
    : loop_(loop),
      owner_(owner),
      addresses_(std::move(addresses)),
      subsystem_nqn_(std::move(subsystem_nqn)),
      options_(std::move(options)) {}

Controller::~Controller() {
    cancel();
}

// --- Connections ---

void Controller::begin(const Result<void>& usable) {
    if (usable && !addresses_.empty() && subsystem_nqn_.size() <= kMaxNqnLength) return connect();
    last_error_ = usable ? Error{ErrorCode::InvalidArgument,
                                 fmt::format("connect to {}: {}", subsystem_nqn_,
                                             addresses_.empty() ? "no address" : "the name is too long"),
                                 {}}
                         : usable.error();
    connect_timer_ = loop_.at(SteadyClock::now(), [this] {
        connect_timer_ = 0;
        giveUp(last_error_);
    });
}

void Controller::connect() {
    auto made = Association::start(
        loop_, *this,
        {.address = addresses_[address_ % addresses_.size()], .subsystem_nqn = subsystem_nqn_, .options = options_});
    if (made) {
        association_ = std::move(*made);
        return;
    }
    connect_timer_ = loop_.at(SteadyClock::now(), [this, error = made.error()] {
        connect_timer_ = 0;
        afterLoss(error);
    });
}

void Controller::onLive(Association& /*association*/) {
    attempts_ = 0;
    if (loss_timer_ != 0) loop_.cancel(std::exchange(loss_timer_, 0));
    takeNamespaces(false);
    state_ = State::Ready;
    // What was asked for on the last association was read by this one.
    waiting_.append(asking_);
    waiting_.append(strangers_);
    owner_.onState(state_, nullptr);
    flush();
}

void Controller::onEnded(Association& association, const Error& error) {
    const bool was_ready = state_ == State::Ready;
    bury(association);
    if (was_ready) {
        state_ = State::Reconnecting;
        attempts_ = 0;
        lost_at_ = SteadyClock::now();
        if (options_.loss_timeout.count() > 0) {
            loss_timer_ = loop_.at(lost_at_ + options_.loss_timeout, [this] {
                loss_timer_ = 0;
                giveUp(last_error_);
            });
            owner_.onState(state_, &error);
        }
    }
    last_error_ = error;
    const bool gives_up = was_ready && options_.loss_timeout.count() == 0;
    if (gives_up) {
        state_ = State::Gone;
        owner_.onState(state_, &error);
    }
    association.endAll();
    endPartlyIssued();
    end(parts_, HostRequest::Outcome::Lost);
    if (gives_up) {
        endWaiting(HostRequest::Outcome::Lost);
    } else {
        afterLoss(error);
    }
}

// Not destroyed at once: it is calling.
void Controller::bury(Association& association) {
    if (association_.get() != &association) return;
    loop_.post([dead = std::move(association_)] {});
}

void Controller::afterLoss(const Error& error) {
    last_error_ = error;
    ++attempts_;
    if (state_ == State::Connecting) {
        ++address_;
        if (attempts_ >= addresses_.size()) return giveUp(error);
        return connectLater(std::chrono::milliseconds(0));
    }
    if (state_ != State::Reconnecting) return;
    if (attempts_ == 1) return connectLater(std::chrono::milliseconds(0));
    ++address_;
    constexpr unsigned kMostDoublings = 4;
    constexpr int kMostTimes = 10;
    const unsigned doublings = std::min(attempts_ - 2, kMostDoublings);
    connectLater(options_.reconnect_delay * std::min(1 << doublings, kMostTimes));
}

void Controller::connectLater(std::chrono::milliseconds delay) {
    connect_timer_ = loop_.at(SteadyClock::now() + delay, [this] {
        connect_timer_ = 0;
        connect();
    });
}

void Controller::giveUp(const Error& cause) {
    state_ = State::Gone;
    for (auto* const timer : {&connect_timer_, &loss_timer_}) {
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    }
    if (association_) association_->end(cause);
    owner_.onState(state_, &cause);
    endWaiting(HostRequest::Outcome::Lost);
}

void Controller::drop(const Error& cause) {
    if (association_) association_->end(cause);
}

std::string Controller::congestionControl() const {
    if (!association_ || association_->queues().empty()) return {};
    return io::congestionControl(association_->queues().front()->socket());
}

void Controller::cancel() {
    canceled_ = true;
    state_ = State::Gone;
    for (auto* const timer : {&connect_timer_, &loss_timer_}) {
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    }
    if (association_) association_->end(Error{ErrorCode::Unavailable, "canceled", {}});
    endWaiting(HostRequest::Outcome::Canceled);
}

void Controller::takeNamespaces(bool tell) {
    std::vector<NamespaceInfo> before = std::exchange(namespaces_, association_->namespaces());
    last_found_ = 0;
    if (tell && before != namespaces_) owner_.onNamespaces();
}

void Controller::onNamespaces(Association& /*association*/) {
    takeNamespaces(true);
    while (!asking_.empty()) {
        HostRequest& request = asking_.pop();
        request.asked_again = true;
        waiting_.push(request);
    }
    if (!strangers_.empty() && live()) askForStrangers();
    flush();
}

// --- Requests ---

void Controller::submit(HostRequest& request) {
    request.controller = this;
    request.outcome = HostRequest::Outcome::Completed;
    request.status = 0;
    request.issued = 0;
    request.outstanding = 0;
    request.asked_again = false;
    (request.part ? parts_ : waiting_).push(request);
}

void Controller::flush() {
    if (state_ == State::Gone) return endWaiting(HostRequest::Outcome::Lost);
    pump();
    if (live()) association_->flush();
}

void Controller::onServed(Association& /*association*/) {
    flush();
}

void Controller::pump() {
    if (std::exchange(pumping_, true)) return;
    while (live()) {
        RequestList& list = parts_.empty() ? waiting_ : parts_;
        if (list.empty() || !issue(list)) break;
    }
    pumping_ = false;
}

// Makes commands of the first request of a list. False: there is no room, or it has to wait.
bool Controller::issue(RequestList& list) {
    HostRequest& request = list.front();
    if (request.outcome != HostRequest::Outcome::Completed) {  // One of its commands has failed already.
        list.pop();
        request.issued = request.length;
        if (request.outstanding == 0) request.done(request);
        return true;
    }
    const NamespaceInfo* const space = find(request.nsid);
    if (request.issued == 0) {
        if (!fits(request, space)) {
            refuseOrAsk(list.pop());
            return true;
        }
        if (request.kind != HostRequest::Kind::Flush && request.length == 0) {
            list.pop();
            request.done(request);
            return true;
        }
        if (request.kind != HostRequest::Kind::Flush && !request.part) {
            const bool unaligned = request.offset % space->block_size != 0 || request.length % space->block_size != 0;
            if (request.kind == HostRequest::Kind::Write && hasToWait(request, space->block_size, unaligned))
                return false;
            if (unaligned) {
                startUnaligned(list.pop(), space->block_size);
                return true;
            }
        }
    }
    if (space == nullptr || !goesOnWith(request, space->block_size)) {  // It has gone meanwhile, or is another one.
        request.outcome = HostRequest::Outcome::Rejected;
        request.status = NVME_SC_INVALID_NS;
        return true;
    }
    if (!issueCommands(request, space->block_size)) return false;
    list.pop();
    return true;
}

// False: not all of it found room.
bool Controller::issueCommands(HostRequest& request, std::uint32_t block_size) {
    static constexpr std::array<std::uint8_t, 3> kOpcodes{nvme_cmd_read, nvme_cmd_write, nvme_cmd_flush};
    const std::uint64_t blocks =
        std::clamp<std::uint64_t>(association_->maxTransferBytes() / block_size, 1, kMostBlocks);
    do {
        Queue* const queue = association_->queueWithRoom();
        if (queue == nullptr) return false;
        const std::uint64_t length = std::min(request.length - request.issued, blocks * block_size);
        Submission submission{.entry = {},
                              .data = {},
                              .to_host = request.kind == HostRequest::Kind::Read,
                              .done = &onAnswer,
                              .context = &request};
        submission.entry.opcode = kOpcodes[static_cast<std::size_t>(request.kind)];
        submission.entry.nsid = request.nsid;
        if (length > 0) {
            const std::uint64_t first = (request.offset + request.issued) / block_size;
            submission.data = {request.data + request.issued, length};
            submission.entry.cdw10 = static_cast<std::uint32_t>(first);
            submission.entry.cdw11 = static_cast<std::uint32_t>(first >> 32U);
            submission.entry.cdw12 = static_cast<std::uint32_t>((length / block_size) - 1);
        }
        queue->submit(submission);
        request.issued += length;
        ++request.outstanding;
    } while (request.issued < request.length);
    return true;
}

void Controller::onAnswer(void* context, const CompletionEntry* answer) {
    auto& request = *static_cast<HostRequest*>(context);
    --request.outstanding;
    if (answer == nullptr) {
        const auto& controller = static_cast<const Controller&>(*request.controller);
        request.outcome = controller.canceled_ ? HostRequest::Outcome::Canceled : HostRequest::Outcome::Lost;
    } else if (answer->statusCode() != 0) {
        request.outcome = HostRequest::Outcome::Rejected;
        request.status = answer->statusCode();
    }
    // One that is not wholly issued is still in its list.
    if (request.outstanding == 0 && request.issued == request.length) request.done(request);
}

const NamespaceInfo* Controller::find(std::uint32_t nsid) {
    if (last_found_ < namespaces_.size() && namespaces_[last_found_].nsid == nsid) return &namespaces_[last_found_];
    const auto found = std::ranges::lower_bound(namespaces_, nsid, {}, &NamespaceInfo::nsid);
    if (found == namespaces_.end() || found->nsid != nsid) return nullptr;
    last_found_ = static_cast<std::size_t>(found - namespaces_.begin());
    return &*found;
}

// What is known of the namespaces may be old: a request that does not fit makes them be read again, once.
void Controller::refuseOrAsk(HostRequest& request) {
    if (request.asked_again) {
        request.outcome = HostRequest::Outcome::Rejected;
        request.status = find(request.nsid) == nullptr ? NVME_SC_INVALID_NS : NVME_SC_LBA_RANGE;
        request.done(request);
        return;
    }
    strangers_.push(request);
    if (asking_.empty() && !association_->readingNamespaces()) askForStrangers();
}

void Controller::askForStrangers() {
    asking_.append(strangers_);
    association_->readNamespaces();
}

// Of writes: one that goes to a block of which another writes only a part, or that does so itself.
bool Controller::hasToWait(const HostRequest& request, std::uint32_t block_size, bool unaligned) const {
    if (unaligned_.empty() && !unaligned) return false;
    const std::uint64_t end = request.offset + request.length;
    const NamespaceRange range{.nsid = request.nsid,
                               .begin = request.offset - (request.offset % block_size),
                               .end = (end + block_size - 1) / block_size * block_size};
    const auto overlaps = [&](const auto& other) { return other->writes() && other->range().overlaps(range); };
    return std::ranges::any_of(unaligned_, overlaps) || (unaligned && isBeingWritten(range, block_size));
}

bool Controller::isBeingWritten(const NamespaceRange& range, std::uint32_t block_size) const {
    const auto writes_there = [&](const Command& command) {
        if (!command.busy) return false;
        CapsuleCommand capsule;
        std::memcpy(&capsule, command.capsule.header, sizeof(capsule));
        const std::uint64_t begin = capsule.command.startingBlock() * block_size;
        return capsule.command.opcode == nvme_cmd_write &&
               range.overlaps({.nsid = capsule.command.nsid, .begin = begin, .end = begin + command.length});
    };
    return std::ranges::any_of(association_->queues(),
                               [&](const auto& queue) { return std::ranges::any_of(queue->commands(), writes_there); });
}

void Controller::startUnaligned(HostRequest& request, std::uint32_t block_size) {
    unaligned_.push_back(std::make_unique<UnalignedRequest>(request, block_size, *this));
    unaligned_.back()->start();
}

void Controller::onEnded(UnalignedRequest& unaligned) {
    const auto found = std::ranges::find_if(unaligned_, [&](const auto& own) { return own.get() == &unaligned; });
    const std::unique_ptr<UnalignedRequest> ended = std::move(*found);
    unaligned_.erase(found);
    ended->request().done(ended->request());
}

void Controller::endPartlyIssued() {
    if (waiting_.empty() || waiting_.front().outcome == HostRequest::Outcome::Completed) return;
    HostRequest& request = waiting_.pop();
    request.done(request);
}

void Controller::end(RequestList& list, HostRequest::Outcome outcome) {
    RequestList ended = std::exchange(list, RequestList{});
    while (!ended.empty()) {
        HostRequest& request = ended.pop();
        request.outcome = outcome;
        request.done(request);
    }
}

void Controller::endWaiting(HostRequest::Outcome outcome) {
    for (RequestList* const list : {&parts_, &asking_, &strangers_, &waiting_}) {
        end(*list, outcome);
    }
}

}  // namespace host
}  // namespace mc::nvme
