#pragma once

#include <chrono>
#include <thread>

namespace mc {

class LocalSegment;

/// Logs the throughput of all transports at an interval, while it lives (MC_TE_METRIC).
class Metrics {
  public:
    Metrics(const LocalSegment& local, std::chrono::milliseconds interval);

  private:
    void report(const std::stop_token& stop) const;

    const LocalSegment& local_;
    const std::chrono::milliseconds interval_;
    std::jthread thread_;
};

}  // namespace mc
