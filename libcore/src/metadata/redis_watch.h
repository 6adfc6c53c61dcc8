#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/fd.h"
#include "metadata/redis_client.h"
#include "metadata/store.h"
#include "metadata/watch_queue.h"

namespace mc::metadata {

/// A watch of a Redis server, which tells nobody of changes unless it is configured to: a thread of its own looks at
/// all keys once a second and compares the versions of their values with those of its last look.
///
/// What changes twice between two looks is told once, as it is then; a value that came back is no change. The changes
/// of one look are in no order. Lost connections are made anew; where a second attempt fails, too, the watch ends.
class RedisWatch : public Watch {
  public:
    /// Looks for the first time.
    static Result<std::unique_ptr<Watch>> open(const RedisServer& server, std::string_view prefix,
                                               std::uint64_t max_value, Deadline deadline);
    RedisWatch(const RedisWatch&) = delete;
    RedisWatch& operator=(const RedisWatch&) = delete;
    ~RedisWatch() override { stop(); }

    Result<std::optional<Event>> next(Deadline deadline) override { return queue_.take(deadline); }
    void cancel() override { stop(); }

  private:
    struct Seen {
        std::string version;
        std::uint64_t look = 0;
    };

    RedisWatch(const RedisServer& server, std::string_view prefix, std::uint64_t max_value, FileDescriptor stopped);
    void stop();
    void run();
    bool pause(std::chrono::milliseconds time) const;
    Result<void> look(Deadline deadline);
    Result<void> compare(std::vector<std::string> keys, Deadline deadline);
    void tell(const Event& event);

    const std::string prefix_;
    const std::uint64_t max_value_;
    const FileDescriptor stopped_;  // An eventfd.
    RedisClient client_;            // Gives up once that is readable.
    WatchQueue queue_;
    std::uint64_t looks_ = 0;
    std::map<std::string, Seen, std::less<>> seen_;
    std::jthread thread_;  // Last: it uses all of them.
};

}  // namespace mc::metadata
