#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "io/block_device.h"
#include "io/socket.h"
#include "nvme/target/target.h"

namespace mc::nvme::host::test {

/// Our target on loopback, with namespaces of memory. In one loop: that what one connection wrote another one reads
/// later is the host's doing, and a race detector does not see it.
class OwnTarget {
  public:
    static constexpr const char* kNqn = "nqn.2016-06.io.mc:host-test";

    explicit OwnTarget(const TargetOptions& options = {.threads = 1}, std::uint16_t port = 0) {
        auto listener = io::listenOn(io::resolve("127.0.0.1", port)->front(), 16);
        target_ = std::move(*Target::start(std::move(*listener), options));
        SubsystemOptions subsystem;
        subsystem.nqn = kNqn;
        subsystem.serial = "test";
        (void)target_->addSubsystem(subsystem);
    }

    std::shared_ptr<io::BlockDevice> add(std::uint32_t nsid, std::uint64_t size, std::uint32_t block_size = 4096) {
        auto device = *io::makeMemoryDevice("memory " + std::to_string(nsid), size, block_size);
        NamespaceOptions options;
        options.nsid = nsid;
        options.device = device;
        options.nguid.fill(static_cast<std::uint8_t>(nsid));
        options.uuid.fill(static_cast<std::uint8_t>(0x40 + nsid));
        (void)target_->addNamespace(kNqn, options);
        return device;
    }
    Target& operator*() { return *target_; }
    Target* operator->() { return target_.get(); }
    std::uint16_t port() const { return target_->port(); }
    void stop() { target_.reset(); }

  private:
    std::unique_ptr<Target> target_;
};

}  // namespace mc::nvme::host::test
