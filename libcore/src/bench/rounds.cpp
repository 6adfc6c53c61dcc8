#include "bench/rounds.h"

#include <sys/resource.h>

#include <utility>

namespace mc::bench {
namespace {

std::chrono::nanoseconds processCpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

Rounds::Rounds(Options options)
    : options_(std::move(options)), barrier_(static_cast<std::ptrdiff_t>(options_.workers), Turn{this}) {}

bool Rounds::begin() {
    barrier_.arrive_and_wait();
    return running_;
}

void Rounds::end() {
    barrier_.arrive_and_wait();
}

// Runs in one thread while all others wait.
void Rounds::turn() noexcept {
    const auto now = SteadyClock::now();
    if (running_) {
        duration_ += now - round_start_;
        cpu_ += processCpu() - cpu_at_start_;
        running_ = false;
        return;
    }
    const bool first = !started_;
    if (first) started_ = now;
    running_ = (first || options_.lockstep) && !expired();
    cpu_at_start_ = processCpu();
    round_start_ = SteadyClock::now();
}

bool Rounds::expired(std::optional<SteadyClock::time_point> until) const {
    if (aborted_.load(std::memory_order_relaxed) || options_.stop.stop_requested()) return true;
    return SteadyClock::now() >= until.value_or(started_.value_or(SteadyClock::time_point{}) + options_.duration);
}

void Rounds::abort(RunFailure failure) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::move(failure);
    aborted_ = true;
}

std::optional<RunFailure> Rounds::failure() const {
    const std::lock_guard lock(failure_mutex_);
    return failure_;
}

}  // namespace mc::bench
