#include "engine/metrics.h"

#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "base/thread.h"
#include "engine/local_segment.h"

namespace mc {

Metrics::Metrics(const LocalSegment& local, std::chrono::milliseconds interval)
    : local_(local), interval_(interval), thread_([this](const std::stop_token& stop) { report(stop); }) {}

void Metrics::report(const std::stop_token& stop) const {
    nameThisThread("mc-metrics");
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    TransportCounters before = local_.counters();
    const double seconds = std::chrono::duration<double>(interval_).count();
    while (!stopped.wait_for(lock, stop, interval_, [] { return false; }) && !stop.stop_requested()) {
        const TransportCounters now = local_.counters();
        const auto rate = [&](std::uint64_t to, std::uint64_t from) {
            return static_cast<double>(to - from) / seconds / 1e9;
        };
        log::info("metrics: read {:.3f} GB/s, written {:.3f} GB/s, served {:.3f} GB/s, {} connections",
                  rate(now.bytes_read, before.bytes_read), rate(now.bytes_written, before.bytes_written),
                  rate(now.bytes_served, before.bytes_served), now.connections);
        before = now;
    }
}

}  // namespace mc
