#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/futex.h"
#include "io/event_loop.h"
#include "transport/slice.h"
#include "transport/transport.h"

namespace mc {

/// What the lanes of one client loop share.
struct LaneContext {
    io::EventLoop& loop;
    std::atomic<std::uint64_t> submitted = 0;  ///< Slices, by any thread.
    // Counted by the driving thread alone.
    std::atomic<std::uint64_t> finished = 0;
    std::atomic<std::uint64_t> bytes_read = 0;
    std::atomic<std::uint64_t> bytes_written = 0;
    std::atomic<std::uint64_t> connections = 0;
    bool idle() const { return finished.load(std::memory_order_relaxed) == submitted.load(std::memory_order_relaxed); }

    /// Ends a slice and counts it.
    void finish(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now);

    /// What ended while it was being called, such as connections; emptied between events.
    std::vector<std::shared_ptr<void>> graveyard;
};

/// The requests of one client loop to one peer. Reconnects, retries, gives up. Called by the thread that drives the
/// loop.
class Lane {
  public:
    Lane() = default;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    virtual ~Lane() = default;

    virtual void push(Slice& slice) = 0;
    /// Sends what can be sent, connecting first where needed.
    virtual void pump() = 0;
    /// A connection is being made, its time runs.
    virtual bool connecting() const = 0;
    virtual void checkDeadlines(SteadyClock::time_point now) = 0;
    /// The time in which this process itself did not run is not counted as the peer's.
    virtual void excuse(SteadyClock::duration held_up) = 0;
    /// Ends everything as CANCELED.
    virtual void cancel() = 0;
};

/// A peer with a lane in each client loop.
class LanePeer : public Peer {
  public:
    explicit LanePeer(std::size_t loops) : lanes(loops) {}
    virtual std::unique_ptr<Lane> makeLane(LaneContext& context) = 0;

    std::vector<std::unique_ptr<Lane>> lanes;  ///< Each made and used by its loop alone.
};

}  // namespace mc
