#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/futex.h"
#include "nvme/target/error_log.h"
#include "nvme/target/subsystem.h"

namespace mc::nvme {

/// What a host has connected to: its admin queue, and the I/O queues that name it. From any thread.
class Controller {
  public:
    struct Identity {
        std::uint16_t id = 0;
        std::shared_ptr<Subsystem> subsystem;  ///< Null: a discovery controller.
        std::string host_nqn;
        std::array<std::uint8_t, 16> host_id{};
        std::string address;  ///< Of the admin queue's peer.
        bool header_digest = false;
        bool data_digest = false;
    };
    /// What one loop has carried out for it; written by its thread only.
    struct alignas(64) Traffic {
        std::atomic<std::uint64_t> reads = 0;
        std::atomic<std::uint64_t> writes = 0;
        std::atomic<std::uint64_t> bytes_read = 0;
        std::atomic<std::uint64_t> bytes_written = 0;
    };

    Controller(Identity identity, std::size_t loops) : identity_(std::move(identity)), traffic_(loops) {}

    const Identity& identity() const { return identity_; }
    std::uint16_t id() const { return identity_.id; }
    bool isDiscovery() const { return identity_.subsystem == nullptr; }
    SteadyClock::time_point since() const { return since_; }
    /// CSTS.RDY: I/O commands are carried out.
    bool isReady() const { return ready_.load(std::memory_order_acquire); }
    void setReady(bool ready) { ready_.store(ready, std::memory_order_release); }
    bool isAuthenticated() const { return authenticated_.load(std::memory_order_acquire); }
    void setAuthenticated() { authenticated_.store(true, std::memory_order_release); }
    std::vector<Traffic>& traffic() { return traffic_; }
    ErrorLog& errors() { return errors_; }

  private:
    Identity identity_;
    SteadyClock::time_point since_ = SteadyClock::now();
    std::atomic<bool> ready_ = false;
    std::atomic<bool> authenticated_ = false;
    std::vector<Traffic> traffic_;
    ErrorLog errors_;
};

}  // namespace mc::nvme
