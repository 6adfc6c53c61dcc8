#include "nvme/target/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>

#include "base/errors.h"
#include "nvme/auth/key.h"
#include "nvme/nqn.h"
#include "nvme/target/controller_loads.h"
#include "nvme/target/server.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr std::size_t kMaxSerial = 20;
constexpr std::size_t kMaxModel = 40;
constexpr std::uint32_t kMinTransfer = 4096;
constexpr std::uint32_t kMaxTransfer = 16U << 20U;
constexpr std::uint32_t kMaxInCapsule = 128U << 10U;

Result<void> checkOptions(const TargetOptions& options) {
    const auto invalid = [](std::string what) { return fail(ErrorCode::InvalidArgument, std::move(what)); };
    if (!std::has_single_bit(options.max_transfer_bytes) || options.max_transfer_bytes < kMinTransfer ||
        options.max_transfer_bytes > kMaxTransfer) {
        return invalid(fmt::format("nvme target: {} bytes for one transfer: a power of two from 4 KiB to 16 MiB",
                                   options.max_transfer_bytes));
    }
    if (options.in_capsule_bytes % 16 != 0 || options.in_capsule_bytes > kMaxInCapsule) {
        return invalid(fmt::format("nvme target: {} bytes in a capsule: a multiple of 16, up to 128 KiB",
                                   options.in_capsule_bytes));
    }
    if (options.queue_entries < 2) return invalid("nvme target: a queue has two entries or more");
    if (options.max_io_queues < 1) return invalid("nvme target: a controller has at least one I/O queue");
    return {};
}

Result<void> checkSubsystem(const SubsystemOptions& options) {
    if (auto checked = checkNqn(options.nqn); !checked) return std::unexpected(wrap("subsystem", checked.error()));
    if (options.nqn == kDiscoveryNqn) {
        return fail(ErrorCode::InvalidArgument, fmt::format("subsystem {}: that is discovery's", options.nqn));
    }
    const auto printable = [](const std::string& text) {
        return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
    };
    if (options.serial.size() > kMaxSerial || !printable(options.serial)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("subsystem {}: its serial is more than 20 ASCII characters", options.nqn));
    }
    if (options.model.size() > kMaxModel || !printable(options.model)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("subsystem {}: its model is more than 40 ASCII characters", options.nqn));
    }
    for (const auto& host : options.hosts) {
        if (auto checked = checkNqn(host.nqn); !checked) return std::unexpected(wrap("host", checked.error()));
        for (const std::string* key : {&host.key, &host.controller_key}) {
            if (key->empty()) continue;
            const auto parsed = AuthenticationKey::parse(*key);
            if (!parsed) return std::unexpected(wrap(fmt::format("host {}", host.nqn), parsed.error()));
        }
        if (host.key.empty() && !host.controller_key.empty()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("host {}: a controller's key is of no use without the host's own", host.nqn));
        }
    }
    return {};
}

}  // namespace

struct Target::Impl {
    std::unique_ptr<Server> server;
    std::mutex changing;  // One change of subsystems and namespaces at a time.

    Result<std::shared_ptr<Subsystem>> find(const std::string& nqn) const {
        auto subsystem = server->registry().find(nqn);
        if (!subsystem) return fail(ErrorCode::NotFound, fmt::format("subsystem {}: there is none", nqn));
        return subsystem;
    }
    // Hosts that see the subsystem are told that a namespace has changed.
    void announce(const std::shared_ptr<Subsystem>& subsystem, std::uint32_t nsid) const {
        const auto tell = [subsystem, nsid](Worker& worker) {
            worker.forEach([&](Connection& connection) {
                const auto& controller = connection.controller();
                if (controller && controller->identity().subsystem == subsystem) {
                    connection.commands().onNamespace(nsid);
                }
            });
        };
        server->inEachLoop(tell, server->options().change_timeout);
    }
    void announceDiscovery() const {
        const auto tell = [](Worker& worker) {
            worker.forEach([&](Connection& connection) {
                const auto& controller = connection.controller();
                if (controller && controller->isDiscovery()) connection.commands().onDiscoveryChange();
            });
        };
        server->inEachLoop(tell, server->options().change_timeout);
    }
};

Target::Target(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Target::~Target() = default;

Result<std::unique_ptr<Target>> Target::start(FileDescriptor listener, const TargetOptions& options) {
    auto target = prepare(std::move(listener), options);
    if (!target) return target;
    if (auto accepts = (*target)->accept(); !accepts) return std::unexpected(accepts.error());
    return target;
}

Result<std::unique_ptr<Target>> Target::prepare(FileDescriptor listener, const TargetOptions& options) {
    if (auto checked = checkOptions(options); !checked) return std::unexpected(checked.error());
    auto server = Server::start(std::move(listener), options);
    if (!server) return std::unexpected(server.error());
    auto impl = std::make_unique<Impl>();
    impl->server = std::move(*server);
    return std::unique_ptr<Target>(new Target(std::move(impl)));
}

Result<void> Target::accept() {
    return impl_->server->startAccepting();
}

std::uint16_t Target::port() const {
    return impl_->server->port();
}

Result<void> Target::addSubsystem(const SubsystemOptions& options) {
    if (auto checked = checkSubsystem(options); !checked) return checked;
    const std::lock_guard lock(impl_->changing);
    if (auto added = impl_->server->registry().add(std::make_shared<Subsystem>(options)); !added) return added;
    impl_->announceDiscovery();
    return {};
}

Result<void> Target::removeSubsystem(const std::string& nqn) {
    std::unique_lock lock(impl_->changing);
    const auto subsystem = impl_->server->registry().remove(nqn);
    if (!subsystem) return fail(ErrorCode::NotFound, fmt::format("subsystem {}: there is none", nqn));
    const auto close = [subsystem](Worker& worker) {
        worker.closeIf([&](const Connection& connection) {
            const auto& controller = connection.controller();
            return controller && controller->identity().subsystem == subsystem;
        });
    };
    impl_->server->inEachLoop(close, impl_->server->options().change_timeout);
    const auto table = subsystem->namespaces();
    subsystem->setNamespaces(std::make_shared<NamespaceTable>());
    impl_->announceDiscovery();
    lock.unlock();
    Result<void> drained;
    for (std::uint32_t nsid = table->next(0); nsid != 0; nsid = table->next(nsid)) {
        if (auto done = impl_->server->drain(table->share(nsid)); !done && drained) drained = std::move(done);
    }
    return drained;
}

Result<void> Target::addNamespace(const std::string& nqn, const NamespaceOptions& options) {
    const std::lock_guard lock(impl_->changing);
    const auto subsystem = impl_->find(nqn);
    if (!subsystem) return std::unexpected(subsystem.error());
    if (options.nsid == 0 || options.nsid > NamespaceTable::kMaxNsid || !options.device) {
        return fail(ErrorCode::InvalidArgument, fmt::format("namespace {} of {}: numbers are from 1 to {}",
                                                            options.nsid, nqn, NamespaceTable::kMaxNsid));
    }
    const auto table = (*subsystem)->namespaces();
    for (std::uint32_t nsid = table->next(0); nsid != 0; nsid = table->next(nsid)) {
        if (nsid == options.nsid || &table->find(nsid)->device() == options.device.get()) {
            return fail(ErrorCode::AlreadyExists, fmt::format("namespace {} of {}: it is {} already", options.nsid, nqn,
                                                              table->find(nsid)->device().name()));
        }
    }
    auto added = std::make_shared<Namespace>(options, impl_->server->loops());
    if (added->blocks() == 0) {
        return fail(ErrorCode::InvalidArgument, fmt::format("namespace {} of {}: {} is smaller than a block",
                                                            options.nsid, nqn, options.device->name()));
    }
    (*subsystem)->setNamespaces(table->with(std::move(added)));
    impl_->announce(*subsystem, options.nsid);
    return {};
}

Result<void> Target::removeNamespace(const std::string& nqn, std::uint32_t nsid) {
    std::unique_lock lock(impl_->changing);
    const auto subsystem = impl_->find(nqn);
    if (!subsystem) return std::unexpected(subsystem.error());
    const auto table = (*subsystem)->namespaces();
    const auto removed = table->share(nsid);
    if (!removed) return fail(ErrorCode::NotFound, fmt::format("namespace {} of {}: there is none", nsid, nqn));
    (*subsystem)->setNamespaces(table->without(nsid));
    impl_->announce(*subsystem, nsid);
    lock.unlock();
    return impl_->server->drain(removed);
}

std::vector<ControllerStatus> Target::controllers() const {
    std::vector<ControllerStatus> all;
    const auto connected = impl_->server->registry().controllers();
    const auto loads = ControllerLoads::gather(*impl_->server);
    for (const auto& [controller, io_queues] : connected) {
        const auto& identity = controller->identity();
        all.push_back(
            {.id = identity.id,
             .host_nqn = identity.host_nqn,
             .address = identity.address,
             .subsystem_nqn = controller->isDiscovery() ? kDiscoveryNqn : identity.subsystem->nqn(),
             .io_queues = io_queues,
             .authenticated = controller->isAuthenticated(),
             .header_digest = identity.header_digest,
             .data_digest = identity.data_digest,
             .connected = std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - controller->since()),
             .load = loads->find(controller, std::size_t{io_queues} + 1)});
    }
    return all;
}

TargetCounters Target::counters() const {
    return impl_->server->counters();
}

}  // namespace mc::nvme
