#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/errors.h"
#include "io/socket.h"
#include "transport/nvmeof/file_target.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {
namespace {

class UserFileTarget final : public FileTarget {
  public:
    UserFileTarget(std::unique_ptr<nvme::Target> target, std::string nqn)
        : target_(std::move(target)), nqn_(std::move(nqn)) {}

    Result<void> add(FileToServe file) override {
        auto added = target_->addNamespace(
            nqn_, {.nsid = file.id, .device = std::move(file.opened.device), .nguid = file.nguid, .uuid = file.uuid});
        if (added) return added;
        return std::unexpected(wrap(fmt::format("file {}", file.path), added.error()));
    }

    Result<void> remove(FileBufferID id) override { return target_->removeNamespace(nqn_, id); }

    std::uint16_t port() const override { return target_->port(); }

    void describe(FileService& service) const override {
        const nvme::TargetCounters served = target_->counters();
        service.bytes_read = served.bytes_read;
        service.bytes_written = served.bytes_written;
        service.commands = served.commands;
        service.failed_commands = served.failed_commands;
        service.connections = served.connections;
        service.connections_refused = served.connections_refused;
        service.protocol_errors = served.protocol_errors;
        for (const nvme::ControllerStatus& controller : target_->controllers()) {
            service.hosts.push_back({.nqn = controller.host_nqn,
                                     .address = controller.address,
                                     .controller = controller.id,
                                     .io_queues = controller.io_queues,
                                     .authenticated = controller.authenticated,
                                     .header_digest = controller.header_digest,
                                     .data_digest = controller.data_digest,
                                     .connected = controller.connected,
                                     .load = controller.load});
        }
    }

    void count(TransportCounters& counters) const override {
        const nvme::TargetCounters served = target_->counters();
        counters.bytes_served += served.bytes_read + served.bytes_written;
        counters.requests_served += served.commands - std::min(served.commands, served.failed_commands);
        counters.requests_rejected += served.failed_commands;
        counters.connections += served.connections;
        counters.connections_served += served.connections;
        counters.connections_refused += served.connections_refused;
    }

  private:
    const std::unique_ptr<nvme::Target> target_;
    const std::string nqn_;
};

}  // namespace

Result<std::unique_ptr<FileTarget>> startUserTarget(const NvmeTransportId& where,
                                                    const nvme::SubsystemOptions& subsystem,
                                                    const NvmeofOptions& options, const std::string& advertised_host,
                                                    std::vector<FileToServe> files) {
    auto addresses = socketAddresses(where);
    if (!addresses) return std::unexpected(addresses.error());
    constexpr int kBacklog = 1024;
    auto listener = io::listenOn(addresses->front(), kBacklog, options.port_option);
    if (!listener) return std::unexpected(listener.error());
    nvme::TargetOptions target_options;
    target_options.threads = options.threads;
    target_options.congestion = options.congestion;
    target_options.advertised_address = advertised_host;
    auto prepared = nvme::Target::prepare(std::move(*listener), target_options);
    if (!prepared) return std::unexpected(prepared.error());
    nvme::Target& target = **prepared;
    if (auto added = target.addSubsystem(subsystem); !added) return std::unexpected(added.error());
    auto file_target = std::make_unique<UserFileTarget>(std::move(*prepared), subsystem.nqn);
    for (FileToServe& file : files) {
        if (auto added = file_target->add(std::move(file)); !added) return std::unexpected(added.error());
    }
    if (auto accepts = target.accept(); !accepts) return std::unexpected(accepts.error());
    return file_target;
}

}  // namespace mc::nvmeof
