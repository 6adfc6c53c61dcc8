#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "mc/error.h"

namespace mc::control {

/// Asks again and again whether a metadata store still has what was published, in a thread of its own, until
/// destruction, which waits for the question that is under way.
class KeepAlive {
  public:
    /// Publishes what is missing again, and says which keys these were.
    using Restore = std::function<Result<std::vector<std::string>>()>;

    /// System where there is no thread to be had.
    static Result<std::unique_ptr<KeepAlive>> start(std::chrono::nanoseconds interval, Restore restore);

  private:
    KeepAlive(std::chrono::nanoseconds interval, Restore restore);
    void run(const std::stop_token& stop);
    void restoreOnce();

    const std::chrono::nanoseconds interval_;
    const Restore restore_;
    std::string last_problem_;  // Told once.
    std::mutex mutex_;
    std::condition_variable_any never_;
    std::jthread thread_;  // Last: uses what is above.
};

}  // namespace mc::control
