#include "transport/client_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/errors.h"
#include "base/thread.h"

namespace mc {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::milliseconds kHeldUp{500};  // A tick so late did not find this process running.
// How long requests may lie before the background thread takes over from threads that do not come back to wait.
constexpr std::chrono::milliseconds kStandByTick{2};
// How long after the last activity it goes back to sleep in the loop, at no cost.
constexpr std::chrono::milliseconds kStandByTime{100};

}  // namespace

Result<std::unique_ptr<ClientLoop>> ClientLoop::start(std::string_view protocol, int index, Prepare prepare) {
    auto loop = io::EventLoop::open();
    if (!loop) return std::unexpected(loop.error());
    Result<std::shared_ptr<void>> prepared;
    if (prepare) prepared = prepare(**loop);
    if (!prepared) return std::unexpected(prepared.error());
    try {
        std::unique_ptr<ClientLoop> client(new ClientLoop(protocol, index, std::move(*loop), std::move(*prepared)));
        client->background_ =
            std::jthread([raw = client.get()](const std::stop_token& stop) { raw->background(stop); });
        return client;
    } catch (const std::system_error& error) {
        return failErrno("start thread", fmt::format("{} client", protocol), error.code().value());
    }
}

ClientLoop::ClientLoop(std::string_view protocol, int index, std::unique_ptr<io::EventLoop> loop,
                       std::shared_ptr<void> prepared)
    : name_(fmt::format("mc-{}-client{}", protocol, index)),
      index_(index),
      loop_(std::move(loop)),
      prepared_(std::move(prepared)),
      context_{.loop = *loop_, .graveyard = {}} {}

ClientLoop::~ClientLoop() {
    shutDown();
}

void ClientLoop::submit(std::span<Slice> slices) {
    if (slices.empty()) return;
    context_.submitted.fetch_add(slices.size(), std::memory_order_relaxed);
    for (std::size_t i = 1; i < slices.size(); ++i) {
        slices[i].next = &slices[i - 1];
    }
    Slice* head = inbox_.load(std::memory_order_relaxed);
    do {
        slices.front().next = head;
    } while (!inbox_.compare_exchange_weak(head, &slices.back(), std::memory_order_release, std::memory_order_relaxed));

    if (tryTakeDrive()) {
        serveInbox();
        releaseDrive();
    } else {
        loop_->wake();
    }
}

void ClientLoop::await(Completion& completion, Deadline deadline) {
    const auto over = [&] { return completion.done() || (deadline && SteadyClock::now() >= *deadline); };
    while (!over()) {
        const std::uint32_t ticket = completion.ticket();
        if (!takeDriveOrFollow(completion)) {
            completion.wait(ticket, deadline);
            leaveFollowers(completion);
            continue;
        }
        serveInbox();
        while (!over()) {
            poll(deadline);
            serveInbox();
        }
        releaseDrive();
    }
}

bool ClientLoop::tryTakeDrive() {
    const std::lock_guard lock(drive_mutex_);
    if (driven_) return false;
    driven_ = true;
    return true;
}

bool ClientLoop::takeDriveOrFollow(Completion& completion) {
    const std::lock_guard lock(drive_mutex_);
    if (!driven_) {
        driven_ = true;
        return true;
    }
    followers_.push_back(&completion);
    if (driven_by_background_) {
        yield_requested_.store(true);
        loop_->wake();
    }
    return false;
}

void ClientLoop::leaveFollowers(Completion& completion) {
    const std::lock_guard lock(drive_mutex_);
    // One entry only: another thread may wait for the same batch.
    if (const auto own = std::ranges::find(followers_, &completion); own != followers_.end()) followers_.erase(own);
    // A nudge to lead that came too late for this one is passed on.
    if (!driven_ && !followers_.empty()) followers_.back()->nudge();
}

void ClientLoop::releaseDrive() {
    const std::lock_guard lock(drive_mutex_);
    driven_ = false;
    driven_by_background_ = false;
    if (!followers_.empty()) followers_.back()->nudge();
}

void ClientLoop::serveInbox() {
    if (Slice* const newest = inbox_.exchange(nullptr, std::memory_order_acquire); newest != nullptr) {
        sortIntoLanes(newest);
        for (Lane* lane : dirty_) {
            lane->pump();
        }
        dirty_.clear();
        if (tick_timer_ == 0) tickLater(SteadyClock::now());
    }
    if (!shut_down_.load(std::memory_order_relaxed)) return;
    for (Lane* lane : lanes_) {
        lane->cancel();
    }
}

void ClientLoop::sortIntoLanes(Slice* newest) {
    Slice* oldest = nullptr;
    while (newest != nullptr) {
        Slice* const before = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = before;
    }
    while (oldest != nullptr) {
        Slice& slice = *oldest;
        oldest = slice.next;
        auto& peer = static_cast<LanePeer&>(*slice.peer);
        auto& lane = peer.lanes[static_cast<std::size_t>(index_)];
        if (!lane) {
            lane = peer.makeLane(context_);
            lanes_.push_back(lane.get());
        }
        lane->push(slice);
        if (dirty_.empty() || dirty_.back() != lane.get()) dirty_.push_back(lane.get());
    }
}

void ClientLoop::poll(Deadline deadline) {
    loop_->runOnce(deadline);
    context_.graveyard.clear();
    polls_.fetch_add(1, std::memory_order_relaxed);
}

void ClientLoop::tickLater(SteadyClock::time_point now) {
    tick_at_ = now + kTick;
    tick_timer_ = loop_->at(tick_at_, [this] { tick(); });
}

// Looks after deadlines while anything is outstanding, a connection without requests included.
void ClientLoop::tick() {
    tick_timer_ = 0;
    const auto now = SteadyClock::now();
    // Stopped, starved, or a virtual machine that was: the peer may have been as well.
    const auto held_up = now - tick_at_;
    for (Lane* lane : lanes_) {
        if (held_up >= kHeldUp) lane->excuse(held_up);
        lane->checkDeadlines(now);
    }
    if (!context_.idle() || std::ranges::any_of(lanes_, &Lane::connecting)) {
        tickLater(now);
    }
}

void ClientLoop::background(const std::stop_token& stop) {
    nameThisThread(name_);
    const std::stop_callback wake_up(stop, [this] { loop_->wake(); });
    while (!stop.stop_requested()) {
        if (tryTakeDrive()) {
            {
                const std::lock_guard lock(drive_mutex_);
                driven_by_background_ = true;
                yield_requested_.store(!followers_.empty());
            }
            while (!stop.stop_requested() && !yield_requested_.load()) {
                serveInbox();
                poll(std::nullopt);
            }
            releaseDrive();
        }
        standBy(stop);
    }
}

// Returns when the loop wants a driver: requests that nobody moves, or long enough without any to sleep in it.
void ClientLoop::standBy(const std::stop_token& stop) {
    std::uint64_t seen = polls_.load();
    auto active = SteadyClock::now();
    std::unique_lock lock(drive_mutex_);
    while (!stop.stop_requested()) {
        stand_by_.wait_for(lock, stop, kStandByTick, [] { return false; });
        const auto now = SteadyClock::now();
        const std::uint64_t polls = polls_.load();
        if (driven_ || polls != seen) {
            seen = polls;
            active = now;
        } else if (!context_.idle() || now - active >= kStandByTime) {
            return;
        }
    }
}

void ClientLoop::shutDown() {
    shut_down_.store(true);
    background_.request_stop();
    if (background_.joinable()) background_.join();
    // A thread that drives sees the flag, cancels what it waits for, and leaves.
    while (!tryTakeDrive()) {
        loop_->wake();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    serveInbox();
    lanes_.clear();  // Their peers may go now.
    if (tick_timer_ != 0) loop_->cancel(std::exchange(tick_timer_, 0));
    context_.graveyard.clear();
    releaseDrive();
}

}  // namespace mc
