#pragma once

#include <atomic>
#include <cstdint>

#include "base/futex.h"

namespace mc {

/// Counts the unfinished requests of a batch; a thread can sleep until there are none. Its memory must outlive the
/// last finish() by more than the waiter sees: batches are pooled, never freed, while an engine lives.
class Completion {
  public:
    void start(std::uint32_t requests) { running_.fetch_add(requests, std::memory_order_relaxed); }
    void finish();
    bool done() const { return running_.load(std::memory_order_acquire) == 0; }

    /// What wait() compares with: a nudge between the two is not missed.
    std::uint32_t ticket() const { return signal_.load(); }
    /// Sleeps until done, a nudge since `ticket` was taken, or the deadline; may return early.
    void wait(std::uint32_t ticket, Deadline deadline);
    /// Sleeps until done or the deadline.
    void waitDone(Deadline deadline);
    /// Makes a waiting thread return and look around.
    void nudge();

    /// Notes which of a transport's loops a request went to.
    void visit(int loop) {
        int expected = kNowhere;
        if (!home_.compare_exchange_strong(expected, loop, std::memory_order_relaxed) && expected != loop) {
            home_.store(kSeveral, std::memory_order_relaxed);
        }
    }
    /// The one loop that all requests went to; negative if there were several, or none.
    int home() const { return home_.load(std::memory_order_relaxed); }
    /// Before a batch is used again.
    void forget() { home_.store(kNowhere, std::memory_order_relaxed); }

  private:
    static constexpr int kNowhere = -1;
    static constexpr int kSeveral = -2;

    std::atomic<int> home_ = kNowhere;
    std::atomic<std::uint32_t> running_ = 0;
    std::atomic<std::uint32_t> signal_ = 0;
    std::atomic<std::uint32_t> waiters_ = 0;
};

}  // namespace mc
