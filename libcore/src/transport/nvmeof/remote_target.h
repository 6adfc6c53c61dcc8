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
#include "mc/segment.h"

#include "io/socket_address.h"

namespace mc::nvmeof {

/// Where a peer's files are served.
struct RemoteTarget {
    std::vector<io::SocketAddress> addresses;
    std::string subsystem_nqn;
    std::string transport;          ///< Its trtype, in lower case.
    std::vector<FileBuffer> files;  ///< In ascending order of their numbers.

    std::vector<FileBufferID> numbers() const {
        std::vector<FileBufferID> all;
        all.reserve(files.size());
        for (const FileBuffer& file : files)
            all.push_back(file.id);
        return all;
    }

    bool isAt(const std::vector<io::SocketAddress>& others) const {
        return std::ranges::equal(addresses, others, {}, &io::SocketAddress::toString, &io::SocketAddress::toString);
    }
    bool isSame(const RemoteTarget& other) const {
        return isAt(other.addresses) && subsystem_nqn == other.subsystem_nqn && transport == other.transport &&
               numbers() == other.numbers();
    }
};

/// One that may change while lanes use it. From any thread.
class RemoteTargetBox {
  public:
    explicit RemoteTargetBox(RemoteTarget target) : target_(std::make_shared<const RemoteTarget>(std::move(target))) {}
    std::shared_ptr<const RemoteTarget> get() const {
        const std::lock_guard lock(mutex_);
        return target_;
    }
    /// Whose numbers are those of other files now, by what is published of them.
    std::vector<FileBufferID> set(RemoteTarget target) {
        const std::lock_guard lock(mutex_);
        const bool same_subsystem = target_->subsystem_nqn == target.subsystem_nqn;
        std::vector<FileBufferID> others;
        for (const FileBuffer& before : target_->files) {
            const auto now = std::ranges::find(target.files, before.id, &FileBuffer::id);
            if (!same_subsystem || (now != target.files.end() && *now != before)) others.push_back(before.id);
        }
        const bool moved = !same_subsystem || !target_->isAt(target.addresses);
        target_ = std::make_shared<const RemoteTarget>(std::move(target));
        if (moved) version_.fetch_add(1, std::memory_order_release);
        return others;
    }
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// A lane has a connection.
    void show(std::string congestion_control) {
        const std::lock_guard lock(mutex_);
        shown_.keeps_connections = true;
        shown_.initiator = "user";
        shown_.congestion_control = std::move(congestion_control);
        shown_.refusal.reset();
        shown_.problem.reset();
    }
    /// A lane has read what the files are.
    void showReadOnly(std::vector<FileBufferID> files) {
        const std::lock_guard lock(mutex_);
        shown_.read_only_files = std::move(files);
    }
    /// A lane gets none, and won't.
    void showRefusal(const Error& refusal) {
        const std::lock_guard lock(mutex_);
        shown_.refusal = refusal;
    }
    /// A lane has lost its connection, or a request was refused.
    void showProblem(const Error& problem) {
        const std::lock_guard lock(mutex_);
        shown_.problem = problem;
    }
    PeerInfo shown() const {
        const std::lock_guard lock(mutex_);
        return shown_;
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const RemoteTarget> target_;
    PeerInfo shown_;
    std::atomic<std::uint64_t> version_ = 1;
};

}  // namespace mc::nvmeof
