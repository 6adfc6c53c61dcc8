#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::tools {

/// SIGINT, SIGTERM and, unless it is ignored, SIGHUP as a request to stop in order; a second one ends the process at
/// once, with 128 and its number.
///
/// Open it before any other thread starts: the signals are blocked in the calling thread and those it starts later, and
/// a thread of its own reads them. All members may be called from any thread.
class StopSignals {
  public:
    static Result<std::unique_ptr<StopSignals>> open();
    /// Gives the signals back their old meaning.
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    /// Requested to stop with the first signal.
    std::stop_token token() const { return stop_.get_token(); }
    /// The first signal, or 0.
    int received() const { return received_.load(); }
    /// What finite work that the signal interrupted exits with; Ok without a signal.
    ExitCode exitCode() const;
    /// Sleeps until a signal comes (true) or the time is over (false).
    bool wait(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

  private:
    StopSignals(FileDescriptor signals, FileDescriptor ended, const sigset_t& old_mask);
    void watch();

    FileDescriptor signals_;
    FileDescriptor ended_;  ///< An eventfd that ends the watcher.
    sigset_t old_mask_;
    std::atomic<int> received_{0};
    std::stop_source stop_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::jthread watcher_;  ///< Last: uses the members above.
};

}  // namespace mc::tools
