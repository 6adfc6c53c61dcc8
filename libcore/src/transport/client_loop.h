#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "io/event_loop.h"
#include "transport/lane.h"
#include "transport/transport.h"

namespace mc {

/// The initiator role of one loop: its lanes, and the thread that drives them at the moment. That is, in this order: a
/// thread that waits for a batch of this loop (no thread switch between a request and its answer), or the loop's own
/// background thread.
class ClientLoop {
  public:
    /// `protocol`: what its background thread is named after. What `prepare` makes, before anything runs in the loop,
    /// lives until the last lane is done with it, and not longer than the loop.
    using Prepare = std::move_only_function<Result<std::shared_ptr<void>>(io::EventLoop&)>;
    static Result<std::unique_ptr<ClientLoop>> start(std::string_view protocol, int index, Prepare prepare = {});
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
    /// Null without `prepare`.
    void* prepared() const { return prepared_.get(); }

  private:
    ClientLoop(std::string_view protocol, int index, std::unique_ptr<io::EventLoop> loop,
               std::shared_ptr<void> prepared);

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

    const std::string name_;
    const int index_;
    const std::unique_ptr<io::EventLoop> loop_;
    const std::shared_ptr<void> prepared_;  // Before the loop goes.
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

}  // namespace mc
