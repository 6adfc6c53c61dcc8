#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/fd.h"
#include "io/event_loop.h"
#include "transport/region_table.h"
#include "transport/tcp/wire.h"

namespace mc::tcp {

/// One accepted connection: reads requests, moves their payload straight between the socket and registered memory,
/// answers in order. Lives in one loop and is called by its thread only.
class ServerConnection final : public io::EventHandler {
  public:
    /// What the connections of one loop share.
    struct Shared {
        io::EventLoop& loop;
        RegionView regions;
        // Written by the loop's thread only.
        std::atomic<std::uint64_t> bytes_served = 0;
        std::atomic<std::uint64_t> requests_served = 0;
        std::atomic<std::uint64_t> requests_rejected = 0;
    };
    /// Told when the connection is over; destroys it.
    using ClosedCallback = std::function<void(ServerConnection&)>;

    ServerConnection(FileDescriptor socket, Shared& shared, ClosedCallback closed);
    ~ServerConnection() override;
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;

    Result<void> start();
    void onEvents(std::uint32_t events) override;

    /// Whether nothing has moved for too long: within a request for `stall`, between two for `idle`; 0: never. Asked
    /// now and then, which is how exact it is, so that no request has to set a timer.
    bool overdue(SteadyClock::time_point now, std::chrono::milliseconds stall, std::chrono::milliseconds idle);
    /// The time in which this process itself did not run is not counted as the peer's.
    void excuse(SteadyClock::duration held_up) { quiet_since_ += held_up; }
    /// Closes an overdue connection, which destroys it, unless there is more from the peer after all.
    void expire();

    /// Whether a request under way uses memory of [addr, addr+length).
    bool touches(std::uint64_t addr, std::uint64_t length) const;

  private:
    enum class State {
        Serving = 0,    // Between requests, or answering reads.
        Receiving = 1,  // In the payload of a write; its bytes go to registered memory.
        Closing = 2,    // A request was refused, or the peer stopped asking: what is owed is sent, then no more.
        Draining = 3,   // Discards what still comes, so that the refusal is not lost to a reset.
    };

    struct Response {
        StatusFrame status = kStatusOk;
        std::uint32_t status_length = 0;  // 0 in version 1.
        std::uint64_t sent = 0;           // Of status and data together.
        const std::byte* data = nullptr;
        std::uint64_t length = 0;
    };

    void close();
    bool pump();
    void parse();
    bool startRequest(const RequestHeader& header);
    void takePayload();
    void refuse(const RequestHeader& header);
    void respond(StatusFrame status, bool with_status, const std::byte* data, std::uint64_t length);
    bool receive(bool& drained);
    bool flush();
    std::size_t gather(std::span<iovec> parts) const;
    void consumeSent(std::uint64_t bytes);
    void countServed(std::uint64_t bytes);
    bool discard();
    void startDraining();
    bool underWay() const;
    bool hasStagedHeader() const;
    bool stalled() const;
    void updateInterest();

    static constexpr std::size_t kMaxPending = 512;  // Two parts each stay within IOV_MAX.
    static constexpr std::size_t kStagingSize = 64 << 10;

    FileDescriptor socket_;
    Shared& shared_;
    ClosedCallback closed_;
    State state_ = State::Serving;
    std::uint32_t interest_ = 0;

    // Headers, and the payload of small writes, before they are told apart.
    std::unique_ptr<std::byte[]> staging_;
    std::size_t staged_begin_ = 0;
    std::size_t staged_end_ = 0;

    std::byte* payload_ = nullptr;  // Where the rest of the current write goes.
    std::uint64_t payload_left_ = 0;
    bool payload_acknowledged_ = false;
    bool bulk_ = false;  // The last write was large: the next one is expected to be.

    std::unique_ptr<Response[]> pending_;  // A ring.
    std::size_t pending_first_ = 0;
    std::size_t pending_count_ = 0;
    // Bounds of what unsent read answers refer to: a write into it waits for them.
    std::uintptr_t reading_begin_ = 0;
    std::uintptr_t reading_end_ = 0;

    std::uint64_t moves_ = 0;       // System calls that moved bytes, either way,
    std::uint64_t moves_seen_ = 0;  // and when last asked for.
    SteadyClock::time_point quiet_since_ = SteadyClock::now();

    std::uint64_t discarded_ = 0;
    io::EventLoop::TimerId drain_timer_ = 0;
};

}  // namespace mc::tcp
