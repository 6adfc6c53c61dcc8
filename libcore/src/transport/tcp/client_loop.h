#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "io/event_loop.h"
#include "transport/tcp/lane.h"
#include "transport/transport.h"

namespace mc::tcp {

/// A peer of the tcp transport: where it is, and its lane in each client loop.
class TcpPeer final : public Peer {
  public:
    TcpPeer(Target peer_target, std::size_t loops) : target(std::move(peer_target)), lanes(loops) {}

    TargetBox target;
    std::vector<std::unique_ptr<Lane>> lanes;  ///< Each made and used by its loop alone.
};

/// The initiator role of one loop: its lanes, and the thread that drives them at the moment. That is, in this order: a
/// thread that waits for a batch of this loop (no thread switch between a request and its answer), or the loop's own
/// background thread.
class ClientLoop {
  public:
    static Result<std::unique_ptr<ClientLoop>> start(int index, const TcpOptions& options);
    ~ClientLoop();
    ClientLoop(const ClientLoop&) = delete;
    ClientLoop& operator=(const ClientLoop&) = delete;

    /// Takes the slices over. From any thread.
    void submit(std::span<Slice> slices);
    /// Returns when `completion` is done or the deadline has passed; drives the loop meanwhile if nobody else does.
    void await(Completion& completion, Deadline deadline);
    /// Ends everything as CANCELED. Peers are destroyed after it and before the loop.
    void shutDown();
    const LaneContext& context() const { return context_; }

  private:
    ClientLoop(int index, const TcpOptions& options, std::unique_ptr<io::EventLoop> loop);

    bool tryTakeDrive();
    bool takeDriveOrFollow(Completion& completion);
    void leaveFollowers(Completion& completion);
    void releaseDrive();

    // Of the thread that drives:
    void serveInbox();
    void sortIntoLanes(Slice* newest);
    void poll(Deadline deadline);
    void tickLater(SteadyClock::time_point now);
    void tick();

    void background(const std::stop_token& stop);
    void standBy(const std::stop_token& stop);

    const int index_;
    const std::unique_ptr<io::EventLoop> loop_;
    LaneContext context_;
    std::vector<Lane*> lanes_;
    std::vector<Lane*> dirty_;
    io::EventLoop::TimerId tick_timer_ = 0;
    SteadyClock::time_point tick_at_{};

    std::atomic<Slice*> inbox_ = nullptr;  // Last in, first out; reversed by serveInbox.
    std::atomic<bool> yield_requested_ = false;
    std::atomic<std::uint64_t> polls_ = 0;

    std::atomic<bool> shut_down_ = false;

    std::mutex drive_mutex_;  // Guards the three below, and hands what the driver wrote to the next one.
    bool driven_ = false;
    bool driven_by_background_ = false;
    std::vector<Completion*> followers_;
    std::condition_variable_any stand_by_;

    std::jthread background_;
};

}  // namespace mc::tcp
