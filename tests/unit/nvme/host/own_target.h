#pragma once

#include <algorithm>
#include <functional>
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

    /// `fill` adds what is to be there before hosts get in.
    explicit OwnTarget(const TargetOptions& options = {.threads = 1}, std::uint16_t port = 0,
                       const std::function<void(OwnTarget&)>& fill = {}) {
        auto listener = io::listenOn(io::resolve("127.0.0.1", port)->front(), 16);
        target_ = std::move(*Target::prepare(std::move(*listener), options));
        SubsystemOptions subsystem;
        subsystem.nqn = kNqn;
        subsystem.serial = "test";
        (void)target_->addSubsystem(subsystem);
        if (fill) fill(*this);
        (void)target_->accept();
    }

    /// `identity`: what it is recognised by; 0: its number.
    std::shared_ptr<io::BlockDevice> add(std::uint32_t nsid, std::uint64_t size, std::uint32_t block_size = 4096,
                                         std::uint8_t identity = 0) {
        if (identity == 0) identity = static_cast<std::uint8_t>(nsid);
        auto device = *io::makeMemoryDevice("memory " + std::to_string(nsid), size, block_size);
        NamespaceOptions options;
        options.nsid = nsid;
        options.device = device;
        options.nguid.fill(identity);
        options.uuid.fill(static_cast<std::uint8_t>(0x40 + identity));
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
