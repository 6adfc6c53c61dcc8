#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>

#include "mc/error.h"

#include "bench/batch_client.h"
#include "bench/result.h"
#include "bench/worker.h"

namespace mc::bench {

/// Measures the cases of a workload, one after the other. The client and the memory must outlive it.
class Runner {
  public:
    Runner(BatchClient& client, Endpoints endpoints, Workload workload);

    /// InvalidArgument, with sizes, if a buffer is too small for the case.
    Result<void> checkFits(const Case& parameters) const;

    /// Runs one case once; `repeat` counts from 1. An error when it can't start at all: buffers too small, no thread.
    /// What goes wrong later is part of the result, as is being stopped: what was measured until then is reported.
    Result<CaseResult> run(const Case& parameters, std::uint32_t repeat, std::stop_token stop);

    /// What all runs have measured until now, for a progress display in another thread.
    std::uint64_t liveBytes() const { return live_bytes_.load(std::memory_order_relaxed); }

  private:
    BatchClient& client_;
    const Endpoints endpoints_;
    const Workload workload_;
    std::atomic<std::uint64_t> live_bytes_ = 0;
    std::uint64_t next_pass_ = 1;  // Never used twice, so that data of an earlier case is known for what it is.
};

}  // namespace mc::bench
