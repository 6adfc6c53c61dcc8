#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "io/block_queue.h"
#include "io/event_loop.h"
#include "nvme/target/buffer_pool.h"
#include "nvme/target/connection.h"
#include "nvme/target/target.h"

namespace mc::nvme {

class Registry;

/// What the connections of one loop share: the devices' queue, buffers, counters. Called by the loop's thread only, but
/// for the counters.
class Worker {
  public:
    static constexpr std::size_t kStagingSize = 64 << 10;
    using Staging = std::unique_ptr<std::byte[]>;

    Worker(io::EventLoop& loop, std::size_t index, Registry& registry, const TargetOptions& options);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// To be called first, in the loop's thread.
    Result<void> open();
    /// Serves a connection until it is over. `replaces`: there are as many as may be: in place of one that has not
    /// shown who it is yet, the oldest; false, and the socket not taken, if there is none.
    bool serve(FileDescriptor&& socket, bool replaces);
    /// Ends those that `which(connection)` is true for.
    template <typename Which>
    void closeIf(Which which) {
        std::vector<Connection*> chosen;
        for (const auto& [connection, owned] : connections_) {
            if (!connection->isOver() && which(*connection)) chosen.push_back(connection);
        }
        for (Connection* connection : chosen) {
            connection->close();
        }
    }
    template <typename Visit>
    void forEach(Visit visit) {
        for (const auto& [connection, owned] : connections_) {
            if (!connection->isOver()) visit(*connection);
        }
    }
    /// Ends all; `idle` is called when the last is gone.
    void shutDown(std::move_only_function<void()> idle);

    io::EventLoop& loop() { return loop_; }
    std::size_t index() const { return index_; }
    Registry& registry() { return registry_; }
    const TargetOptions& options() const { return options_; }
    io::BlockQueue& blocks() { return *blocks_; }
    /// For the data of transfers, and for those that come in capsules: two pools, since what waits for a transfer's
    /// buffer may wait for a peer, whose next capsule must not wait for that.
    BufferPool& transferBuffers() { return transfer_buffers_; }
    BufferPool& capsuleBuffers() { return capsule_buffers_; }
    Staging takeStaging();
    void giveStaging(Staging staging);

    /// Its commands wait for a buffer.
    void wait(Command& command) { waiting_.push(command); }
    void stopWaiting(Command& command) { waiting_.remove(command); }
    /// For a buffer of either kind, but for that connection.
    bool othersWait(const Connection& connection) const;
    /// False: others are first, or its connection has enough, or there is none.
    bool giveTransferBuffer(Command& command);
    /// It can't go on with its input for want of a capsule's buffer.
    void stall(Connection& connection) { stalled_.push_back(&connection); }
    /// It has something to send when this round of the loop is over.
    void sendLater(Connection& connection) { unsent_.push_back(&connection); }
    /// The connection is over, and no device works for it any more; destroys it, later.
    void forget(Connection& connection);

    /// Counts the sweeps for connections that do not move: a clock that costs nothing.
    std::uint32_t sweeps() const { return sweeps_; }
    std::uint32_t sweepsOf(std::chrono::milliseconds time) const;
    /// Whether so many sweeps are as long as `time`, which is not 0 (never).
    bool lasts(std::uint32_t sweeps, std::chrono::milliseconds time) const;
    /// A buffer came back: those that wait may try again at the end of the round.
    void retryLater() { retry_ = true; }

    struct Counters {
        std::atomic<std::uint64_t> bytes_read = 0;
        std::atomic<std::uint64_t> bytes_written = 0;
        std::atomic<std::uint64_t> commands = 0;
        std::atomic<std::uint64_t> failed_commands = 0;
        std::atomic<std::uint64_t> protocol_errors = 0;
        std::atomic<std::uint64_t> connections = 0;
    };
    /// Written by the loop's thread only.
    Counters counters;

  private:
    void endRound();
    bool dropNewcomer();
    void serveWaiting();
    void bury();
    void sweepLater();
    void sweep();

    io::EventLoop& loop_;
    std::size_t index_;
    Registry& registry_;
    const TargetOptions& options_;
    std::unique_ptr<io::BlockQueue> blocks_;
    BufferPool transfer_buffers_;
    BufferPool capsule_buffers_;
    std::vector<Staging> staging_;
    CommandList waiting_;
    bool short_ = false;  ///< Of transfer buffers, for those that wait.
    std::vector<Connection*> stalled_;
    std::vector<Connection*> unsent_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> forgotten_;
    std::move_only_function<void()> idle_;
    bool retry_ = false;
    std::uint32_t sweeps_ = 0;
    io::EventLoop::TimerId sweep_timer_ = 0;
};

/// Of a counter that only one thread writes.
inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

}  // namespace mc::nvme
