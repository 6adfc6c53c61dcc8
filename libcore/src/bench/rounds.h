#pragma once

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/futex.h"
#include "bench/result.h"

namespace mc::bench {

/// Keeps the workers of one case in step and the clock of what is measured. Plain: all start together and run freely
/// until the time is over. Lockstep: every round is one measured batch of each worker, between which they prepare and
/// check data while the clock stands. All workers call begin and end in turn, each until begin says no.
class Rounds {
  public:
    struct Options {
        std::uint32_t workers = 1;
        std::chrono::nanoseconds duration{0};
        bool lockstep = false;
        std::stop_token stop;
    };
    explicit Rounds(Options options);

    /// Waits for all workers and starts the clock; false when the case is over.
    bool begin();
    /// Waits for all workers and stops the clock.
    void end();
    /// Whether a running round should end. For the warm-up, `until` stands for the end of the case.
    bool expired(std::optional<SteadyClock::time_point> until = std::nullopt) const;
    /// Ends the case; the first failure is kept.
    void abort(RunFailure failure);
    /// Takes part once in the place of a worker that could not be started.
    void drop() { barrier_.arrive_and_drop(); }

    // For the time after the last round.
    std::optional<RunFailure> failure() const;
    bool interrupted() const { return options_.stop.stop_requested(); }
    std::chrono::nanoseconds duration() const { return duration_; }
    std::chrono::nanoseconds cpu() const { return cpu_; }
    /// When the clock first started; nothing if it never did.
    std::optional<SteadyClock::time_point> started() const { return started_; }

  private:
    struct Turn {
        Rounds* rounds;
        void operator()() noexcept { rounds->turn(); }
    };
    void turn() noexcept;

    const Options options_;
    std::atomic<bool> aborted_ = false;
    mutable std::mutex failure_mutex_;
    std::optional<RunFailure> failure_;

    // Changed by the last worker to arrive, read by all after it.
    bool running_ = false;
    std::optional<SteadyClock::time_point> started_;
    SteadyClock::time_point round_start_;
    std::chrono::nanoseconds cpu_at_start_{0};
    std::chrono::nanoseconds duration_{0};
    std::chrono::nanoseconds cpu_{0};
    std::barrier<Turn> barrier_;
};

}  // namespace mc::bench
