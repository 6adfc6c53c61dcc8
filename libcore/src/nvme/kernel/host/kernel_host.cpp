#include "nvme/kernel/host/kernel_host.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "io/socket.h"
#include "nvme/host/host_nqn.h"
#include "nvme/kernel/host/requirements.h"
#include "nvme/uuid.h"

namespace mc::nvme::kernel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{20};
// For what has to be undone when the caller's own time is over.
constexpr std::chrono::seconds kUndoTime{10};

bool isOver(Deadline deadline) {
    return deadline && SteadyClock::now() >= *deadline;
}

milliseconds left(Deadline deadline) {
    constexpr milliseconds kLongest{30000};
    if (!deadline) return kLongest;
    return std::clamp(std::chrono::ceil<milliseconds>(*deadline - SteadyClock::now()), milliseconds(1), kLongest);
}

std::string addressOf(const io::SocketAddress& address) {
    return usualAddress(address.host());
}

// The kernel refuses a host NQN with another id than that which it has for it.
std::string hostIdFor(const KernelPaths& paths, const std::string& host_nqn) {
    for (const ControllerEntry& entry : listControllers(paths)) {
        if (entry.host_nqn == host_nqn && !entry.host_id.empty()) return entry.host_id;
    }
    return firstLineOf(paths.etc / "hostnqn") == host_nqn ? firstLineOf(paths.etc / "hostid") : std::string();
}

Result<KernelHostOptions> withIdentity(const KernelPaths& paths, KernelHostOptions options) {
    HostOptions identity;
    identity.host_nqn = options.host_nqn;
    auto whole = host::withIdentity(std::move(identity));
    if (!whole) return std::unexpected(whole.error());
    options.host_nqn = whole->host_nqn;
    if (options.host_id.empty()) options.host_id = hostIdFor(paths, options.host_nqn);
    if (options.host_id.empty()) options.host_id = formatUuid(whole->host_id);
    return options;
}

bool isThere(const KernelPaths& paths, const NamespaceEntry& entry) {
    struct stat found{};
    if (entry.size == 0 || ::stat(entry.path.c_str(), &found) != 0) return false;
    return paths.device_nodes ? S_ISBLK(found.st_mode) && found.st_rdev == entry.number : S_ISREG(found.st_mode);
}

std::string namesOf(const std::vector<NamespaceEntry>& namespaces) {
    std::vector<std::string> names;
    names.reserve(namespaces.size());
    for (const auto& entry : namespaces)
        names.push_back(std::to_string(entry.nsid));
    return names.empty() ? "none" : join(names, ", ");
}

}  // namespace

KernelHost::KernelHost(KernelPaths paths, Connect connect) : paths_(std::move(paths)), connect_(std::move(connect)) {}

Result<void> KernelHost::checkRequirements(const std::string& transport) const {
    if (connect_) return checkDevice(paths_, transport);
    return fail(ErrorCode::Unsupported, "the kernel's NVMe host: this build has no libnvme",
                "build it where the package libnvme-dev is installed, with -DMC_LIBNVME=ON");
}

Result<void> KernelHost::checkUsable() const {
    const auto is_remote = [](const ControllerEntry& entry) {
        return entry.transport == "tcp" || entry.transport == "rdma";
    };
    return std::ranges::any_of(listControllers(paths_), is_remote) ? Result<void>() : checkRequirements("tcp");
}

Result<KernelController> KernelHost::connect(const KernelTarget& target, const KernelHostOptions& options,
                                             const Holder& holder, Deadline deadline) const {
    if (target.transport != "tcp" && target.transport != "rdma") {
        return fail(ErrorCode::Unsupported,
                    fmt::format("trtype {}: the kernel's host is used with tcp and rdma", printable(target.transport)));
    }
    const auto whole = withIdentity(paths_, options);
    if (!whole) return std::unexpected(whole.error());
    auto controller = takeOrMake(target, *whole, holder, deadline);
    if (!controller) return controller;
    auto live = waitLive(*controller, deadline);
    if (!live && !controller->held_before) {
        if (auto undone = disconnect(*controller, holder, SteadyClock::now() + kUndoTime); !undone)
            log::warning("nvme: {}", undone.error().message);
    }
    return live;
}

Result<KernelController> KernelHost::takeOrMake(const KernelTarget& target, const KernelHostOptions& options,
                                                const Holder& holder, Deadline deadline) const {
    if (auto known = findController(target, options.host_nqn); !known) {
        // Before a directory is made for what can't be.
        if (auto checked = checkRequirements(target.transport); !checked) return std::unexpected(checked.error());
    }
    auto holdings = Holdings::open(paths_.run, deadline);
    if (!holdings) return std::unexpected(holdings.error());
    reclaim(*holdings);
    if (auto known = findController(target, options.host_nqn)) return take(*holdings, std::move(*known), holder);
    const auto made = make(target, options, deadline);
    if (!made && made.error().code == ErrorCode::AlreadyExists) {
        // By somebody who was faster.
        if (auto known = findController(target, options.host_nqn)) return take(*holdings, std::move(*known), holder);
    }
    if (!made) return std::unexpected(made.error());
    if (!options.key.empty()) {
        if (auto hidden = hideKeys(paths_, *made); !hidden) log::warning("nvme: {}", hidden.error().message);
    }
    auto entry = readController(paths_, *made);
    if (!entry) return fail(ErrorCode::Unavailable, fmt::format("controller {}: has gone at once", *made));
    if (auto noted = holdings->put({.controller = *made, .identity = entry->identity, .holders = {holder}}); !noted) {
        (void)trigger(paths_, *entry, "delete_controller");
        return std::unexpected(noted.error());
    }
    log::debug("nvme: the kernel has connected {} to {}", entry->name, target.subsystem_nqn);
    return KernelController{.entry = std::move(*entry), .ours = true};
}

Result<KernelController> KernelHost::take(Holdings& holdings, ControllerEntry entry, const Holder& holder) const {
    const Holding* const known = holdings.find(entry);
    if (known == nullptr) return KernelController{.entry = std::move(entry), .ours = false};
    Holding holding = *known;
    const bool held = std::ranges::find(holding.holders, holder) != holding.holders.end();
    if (!held) holding.holders.push_back(holder);
    if (auto noted = holdings.put(std::move(holding)); !noted) return std::unexpected(noted.error());
    return KernelController{.entry = std::move(entry), .held_before = held, .ours = true};
}

Result<std::string> KernelHost::make(const KernelTarget& target, const KernelHostOptions& options,
                                     Deadline deadline) const {
    if (auto checked = checkRequirements(target.transport); !checked) return std::unexpected(checked.error());
    Error last{ErrorCode::InvalidArgument, fmt::format("{}: no address", target.subsystem_nqn), {}};
    for (const io::SocketAddress& address : target.addresses) {
        if (target.transport == "tcp") {
            // The kernel can't be told how long to try, and hides why it failed.
            const auto probe = io::tryConnect(address, left(deadline));
            if (!probe) {
                last = systemError("connect to", address.toString(), probe.error());
                continue;
            }
        }
        const auto made = connect_({.transport = target.transport,
                                    .traddr = addressOf(address),
                                    .trsvcid = std::to_string(address.port()),
                                    .subsystem_nqn = target.subsystem_nqn,
                                    .options = options});
        if (made || made.error().code == ErrorCode::AlreadyExists) return made;
        last = made.error();
        if (auto module = checkModule(paths_, target.transport); !module) last = module.error();
    }
    return std::unexpected(last);
}

std::optional<ControllerEntry> KernelHost::findController(const KernelTarget& target,
                                                          const std::string& host_nqn) const {
    for (ControllerEntry& entry : listControllers(paths_)) {
        const bool same = entry.transport == target.transport && entry.subsystem_nqn == target.subsystem_nqn &&
                          entry.host_nqn == host_nqn && !entry.isGoing();
        const bool here = std::ranges::any_of(target.addresses, [&](const io::SocketAddress& address) {
            return entry.traddr == addressOf(address) && entry.trsvcid == std::to_string(address.port());
        });
        if (same && here) return std::move(entry);
    }
    return std::nullopt;
}

std::optional<ControllerEntry> KernelHost::look(const KernelController& controller) const {
    auto entry = readController(paths_, controller.entry.name);
    if (!entry || entry->identity != controller.entry.identity || entry->isGoing()) return std::nullopt;
    return entry;
}

Result<KernelController> KernelHost::waitLive(KernelController controller, Deadline deadline) const {
    for (;;) {
        auto entry = look(controller);
        if (!entry) {
            return fail(ErrorCode::Unavailable, fmt::format("controller {} of {}: the kernel has given it up",
                                                            controller.entry.name, controller.entry.subsystem_nqn));
        }
        controller.entry = std::move(*entry);
        if (controller.entry.state == "live") return controller;
        if (isOver(deadline)) {
            return fail(ErrorCode::TimedOut,
                        fmt::format("controller {} of {}: is {}, not live", controller.entry.name,
                                    controller.entry.subsystem_nqn, printable(controller.entry.state)),
                        "is the target running there?");
        }
        std::this_thread::sleep_for(kPause);
    }
}

Result<void> KernelHost::rescan(const KernelController& controller) const {
    return trigger(paths_, controller.entry, "rescan_controller");
}

Result<NamespaceEntry> KernelHost::findNamespace(const KernelController& controller, std::uint32_t nsid,
                                                 Deadline deadline) const {
    const auto refuse = [&](std::string_view why, std::string hint) {
        return fail(ErrorCode::NotFound,
                    fmt::format("namespace {} of {} ({}): {}", nsid, controller.entry.subsystem_nqn,
                                controller.entry.name, why),
                    std::move(hint));
    };
    bool asked = false;
    for (;;) {
        if (!look(controller)) return refuse("the controller has gone", {});
        const auto namespaces = listNamespaces(paths_, controller.entry.name);
        const auto found = std::ranges::find(namespaces, nsid, &NamespaceEntry::nsid);
        if (found != namespaces.end() && isThere(paths_, *found)) return *found;
        if (isOver(deadline) && found != namespaces.end())
            return refuse(fmt::format("{} is not there", found->path), "is udev, or devtmpfs, at work here?");
        if (isOver(deadline)) {
            return refuse("the kernel does not have it",
                          fmt::format("it has found {}; does the target still serve it?", namesOf(namespaces)));
        }
        if (found == namespaces.end() && !std::exchange(asked, true)) {
            const auto looking = rescan(controller);
            // Not our right, perhaps; events tell the kernel, too.
            if (!looking) log::debug("nvme: {}", looking.error().message);
        }
        std::this_thread::sleep_for(kPause);
    }
}

Result<bool> KernelHost::disconnect(const KernelController& controller, const Holder& holder, Deadline deadline) const {
    if (!controller.ours) return false;
    auto holdings = Holdings::open(paths_.run, deadline);
    if (!holdings) return std::unexpected(holdings.error());
    return letGo(*holdings, controller.entry, holder, InUse::Goes);
}

Result<void> KernelHost::checkUnused(const ControllerEntry& controller) const {
    for (const NamespaceEntry& space : listNamespaces(paths_, controller.name)) {
        const FileDescriptor alone(::open(space.path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
        if (alone || errno != EBUSY) continue;
        return fail(
            ErrorCode::Busy, fmt::format("{}: {} is in use", controller.name, space.path),
            fmt::format("lsblk {0} and findmnt {0} show for what; --force disconnects it all the same", space.path));
    }
    return {};
}

Result<bool> KernelHost::letGo(Holdings& holdings, const ControllerEntry& controller, const Holder& holder,
                               InUse in_use) const {
    const Holding* const known = holdings.find(controller);
    if (known == nullptr) return false;
    Holding holding = *known;
    std::erase_if(holding.holders, [&](const Holder& other) { return other == holder || !other.lives(); });
    if (!holding.holders.empty()) {
        if (auto noted = holdings.put(std::move(holding)); !noted) return std::unexpected(noted.error());
        return false;
    }
    if (in_use == InUse::Stays) {
        if (auto unused = checkUnused(controller); !unused) return std::unexpected(unused.error());
    }
    const auto done = trigger(paths_, controller, "delete_controller");
    if (!done && done.error().code != ErrorCode::NotFound) return std::unexpected(done.error());
    holdings.remove(controller.name);
    return done.has_value();
}

Result<void> KernelHost::letGoAll(const Holder& holder, InUse in_use, Deadline deadline) const {
    // Nothing was ever connected, and nothing needs a directory.
    if (std::error_code unreadable; !std::filesystem::exists(paths_.run, unreadable) && !unreadable) return {};
    auto holdings = Holdings::open(paths_.run, deadline);
    if (!holdings) return std::unexpected(holdings.error());
    for (const Holding& holding : std::vector(holdings->all())) {
        if (std::ranges::find(holding.holders, holder) == holding.holders.end()) continue;
        const auto entry = readController(paths_, holding.controller);
        if (!entry || !holding.is(*entry)) continue;  // Gone; reclaim() clears up after it.
        if (auto done = letGo(*holdings, *entry, holder, in_use); !done) return std::unexpected(done.error());
    }
    return {};
}

Result<std::vector<std::string>> KernelHost::reclaim(Deadline deadline) const {
    auto holdings = Holdings::open(paths_.run, deadline);
    if (!holdings) return std::unexpected(holdings.error());
    return reclaim(*holdings);
}

std::vector<std::string> KernelHost::reclaim(Holdings& holdings) const {
    std::vector<std::string> reclaimed;
    for (const Holding& holding : std::vector(holdings.all())) {
        const auto entry = readController(paths_, holding.controller);
        const bool is_there = entry && holding.is(*entry);
        if (is_there && std::ranges::any_of(holding.holders, &Holder::lives)) continue;
        if (is_there) {
            if (auto done = trigger(paths_, *entry, "delete_controller"); !done) {
                if (done.error().code != ErrorCode::NotFound) {
                    log::warning("nvme: {}", done.error().message);
                    continue;
                }
            }
            log::info("nvme: {}, whose process has gone, is disconnected", holding.controller);
            reclaimed.push_back(holding.controller);
        }
        holdings.remove(holding.controller);
    }
    return reclaimed;
}

}  // namespace mc::nvme::kernel
