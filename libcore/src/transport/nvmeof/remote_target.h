#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mc/engine.h"

#include "io/socket_address.h"

namespace mc::nvmeof {

/// Where a peer's files are served.
struct RemoteTarget {
    std::vector<io::SocketAddress> addresses;
    std::string subsystem_nqn;

    bool isAt(const std::vector<io::SocketAddress>& others) const {
        return std::ranges::equal(addresses, others, {}, &io::SocketAddress::toString, &io::SocketAddress::toString);
    }
};

/// One that may change while lanes use it. From any thread.
class RemoteTargetBox {
  public:
    explicit RemoteTargetBox(RemoteTarget target) { set(std::move(target)); }
    std::shared_ptr<const RemoteTarget> get() const {
        const std::lock_guard lock(mutex_);
        return target_;
    }
    void set(RemoteTarget target) {
        const std::lock_guard lock(mutex_);
        if (target_ && target_->subsystem_nqn == target.subsystem_nqn && target_->isAt(target.addresses)) return;
        target_ = std::make_shared<const RemoteTarget>(std::move(target));
        version_.fetch_add(1, std::memory_order_release);
    }
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// A lane has a connection.
    void show(std::string congestion_control) {
        const std::lock_guard lock(mutex_);
        shown_.keeps_connections = true;
        shown_.congestion_control = std::move(congestion_control);
    }
    PeerInfo shown() const {
        const std::lock_guard lock(mutex_);
        return shown_;
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const RemoteTarget> target_;
    PeerInfo shown_;
    std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace mc::nvmeof
