#include <fmt/format.h>
#include <sys/socket.h>

#include <map>
#include <mutex>

#include "base/errors.h"
#include "base/text.h"
#include "io/block_device.h"
#include "nvme/kernel/target/connections.h"
#include "nvme/kernel/target/kernel_target.h"
#include "nvme/kernel/target/prerequisites.h"
#include "transport/nvmeof/file_target.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {
namespace {

// A block device keeps its block size, and with it a partition table its meaning, past the page cache only.
nvmet::NamespaceOptions namespaceOf(const FileToServe& file, bool direct) {
    const io::FileFacts& facts = file.opened.facts;
    return {.nsid = file.id,
            .path = facts.path,
            .buffered = !direct && !facts.is_block_device,
            .nguid = file.nguid,
            .uuid = file.uuid};
}

class KernelFileTarget final : public FileTarget {
  public:
    /// `files`: what it serves already.
    KernelFileTarget(std::unique_ptr<nvmet::KernelTarget> target, nvmet::PortAddress address, std::uint16_t port,
                     bool direct, std::vector<FileToServe> files)
        : target_(std::move(target)), address_(std::move(address)), port_(port), direct_(direct) {
        for (FileToServe& file : files)
            keep(std::move(file));
    }

    Result<void> add(FileToServe file) override {
        const std::lock_guard lock(mutex_);
        auto added = target_->addNamespace(namespaceOf(file, direct_));
        if (!added) return std::unexpected(wrap(fmt::format("file {}", file.path), added.error()));
        keep(std::move(file));
        return {};
    }

    Result<void> remove(FileBufferID id) override {
        const std::lock_guard lock(mutex_);
        auto removed = target_->removeNamespace(id);
        if (removed) files_.erase(id);
        return removed;
    }

    std::uint16_t port() const override { return port_; }
    void describe(FileService& service) const override {
        service.backend = NvmeofBackend::Kernel;
        service.connections = connections();
    }
    void count(TransportCounters& counters) const override {
        const std::uint64_t now = connections();
        counters.connections += now;
        counters.connections_served += now;
    }

  private:
    void keep(FileToServe file) { files_[file.id] = std::move(file.opened.device); }
    std::uint64_t connections() const { return address_.trtype == "tcp" ? nvmet::countConnections(address_) : 0; }

    std::mutex mutex_;                                                // Guards what the next two are.
    std::map<FileBufferID, std::shared_ptr<io::BlockDevice>> files_;  // Kept from others until nobody serves them.
    const std::unique_ptr<nvmet::KernelTarget> target_;
    const nvmet::PortAddress address_;
    const std::uint16_t port_;
    const bool direct_;
};

}  // namespace

Result<std::unique_ptr<FileTarget>> startKernelTarget(const NvmeTransportId& where,
                                                      const nvme::SubsystemOptions& subsystem,
                                                      const NvmeofOptions& options, std::vector<FileToServe> files) {
    const auto addresses = ipAddresses(where);
    if (!addresses) return std::unexpected(addresses.error());
    const io::SocketAddress& resolved = addresses->front();
    nvmet::PortAddress address{.trtype = toLower(where.trtype),
                               .adrfam = resolved.family() == AF_INET6 ? "ipv6" : "ipv4",
                               .traddr = resolved.host(),
                               .trsvcid = fmt::format("{}", resolved.port())};
    std::vector<nvmet::NamespaceOptions> namespaces;
    namespaces.reserve(files.size());
    for (const FileToServe& file : files)
        namespaces.push_back(namespaceOf(file, options.direct_io));
    auto target = nvmet::KernelTarget::start(std::make_unique<nvmet::Tree>(nvmet::Places{}.nvmet()),
                                             {.subsystem = subsystem,
                                              .namespaces = std::move(namespaces),
                                              .address = address,
                                              .records = nvmet::recordDirectory(),
                                              .backend_option = options.backend_option,
                                              .port_option = options.port_option});
    if (!target) return std::unexpected(target.error());
    return std::make_unique<KernelFileTarget>(std::move(*target), std::move(address), resolved.port(),
                                              options.direct_io, std::move(files));
}

}  // namespace mc::nvmeof
