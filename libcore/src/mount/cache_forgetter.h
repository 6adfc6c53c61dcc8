#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace mc::mount {

/// Has the kernel forget what it has cached of a range, and then does what is to follow, on a thread of its own: the
/// kernel waits for reads of that range, which whoever serves them has to be free to answer.
class CacheForgetter {
  public:
    struct Range {
        std::uint64_t inode = 0;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };
    using Forget = std::function<void(const Range&)>;
    using Then = std::function<void()>;

    explicit CacheForgetter(Forget forget);
    CacheForgetter(const CacheForgetter&) = delete;
    CacheForgetter& operator=(const CacheForgetter&) = delete;
    ~CacheForgetter() { finish(); }

    /// In order. From any thread.
    void add(const Range& range, Then then);
    /// Ends when all that was added is done. What is added from then on is done at once, and nothing forgotten.
    void finish();

  private:
    struct Task {
        Range range;
        Then then;
    };
    void work(const std::stop_token& stop);

    const Forget forget_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Task> tasks_;  // Both guarded by mutex_. No more than requests of the kernel are under way.
    bool finished_ = false;
    std::jthread thread_;  // Last: uses what is above.
};

}  // namespace mc::mount
