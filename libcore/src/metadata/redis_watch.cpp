#include "metadata/redis_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/errors.h"
#include "base/thread.h"
#include "metadata/content_version.h"
#include "metadata/redis_scan.h"
#include "metadata/redis_values.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval{1000};
constexpr milliseconds kPatience{50};
// With so many changes that nobody has taken, it waits: all of one look may be more than the queue holds.
constexpr std::size_t kMostPending = WatchQueue::kMaxPendingEvents / 2;

}  // namespace

RedisWatch::RedisWatch(const RedisServer& server, std::string_view prefix, std::uint64_t max_value,
                       FileDescriptor stopped)
    : prefix_(prefix),
      max_value_(max_value),
      stopped_(std::move(stopped)),
      client_(server, stopped_.get()),
      queue_(prefix) {}

Result<std::unique_ptr<Watch>> RedisWatch::open(const RedisServer& server, std::string_view prefix,
                                                std::uint64_t max_value, Deadline deadline) {
    FileDescriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stopped) return failErrno("eventfd", "", errno);
    std::unique_ptr<RedisWatch> watch(new RedisWatch(server, prefix, max_value, std::move(stopped)));
    if (auto looked = watch->look(deadline); !looked)
        return std::unexpected(wrap(fmt::format("watch {}", prefix), looked.error()));
    watch->thread_ = std::jthread([self = watch.get()] { self->run(); });
    return std::unique_ptr<Watch>(std::move(watch));
}

void RedisWatch::stop() {
    queue_.cancel();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stopped_.get(), &one, sizeof(one));
}

void RedisWatch::run() {
    nameThisThread("mc-redis-watch");
    while (pause(kInterval)) {
        const auto looked = look(std::nullopt);
        if (looked) continue;
        Error error = wrap(fmt::format("watch {}", prefix_), looked.error());
        // For a watch, TimedOut is the deadline of its reader.
        if (error.code == ErrorCode::TimedOut) error.code = ErrorCode::Unavailable;
        queue_.end(std::move(error));
        return;
    }
}

// False when it is to stop.
bool RedisWatch::pause(milliseconds time) const {
    pollfd waiting{stopped_.get(), POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&waiting, 1, static_cast<int>(time.count()));
    } while (ready < 0 && errno == EINTR);
    return ready == 0;
}

Result<void> RedisWatch::look(Deadline deadline) {
    ++looks_;
    RedisScan scan(client_, prefix_);
    while (!scan.ended()) {
        auto keys = scan.next(deadline);
        if (!keys) return std::unexpected(keys.error());
        if (auto compared = compare(std::move(*keys), deadline); !compared) return compared;
    }
    for (auto entry = seen_.begin(); entry != seen_.end();) {
        if (entry->second.look == looks_) {
            ++entry;
            continue;
        }
        tell({.kind = Event::Kind::Remove, .item = {.key = entry->first, .value = {}, .version = {}}});
        entry = seen_.erase(entry);
    }
    return {};
}

Result<void> RedisWatch::compare(std::vector<std::string> keys, Deadline deadline) {
    std::span<std::string> rest(keys);
    while (!rest.empty()) {
        auto values = redisValues(client_, rest, max_value_, deadline);
        if (!values) return std::unexpected(values.error());
        for (std::size_t i = 0; i < values->size(); ++i) {
            auto& value = (*values)[i];
            if (!value) continue;
            Seen& seen = seen_[rest[i]];
            seen.look = looks_;
            std::string version = contentVersion(*value);
            if (seen.version == version) continue;
            seen.version = version;
            tell({.item = {std::move(rest[i]), std::move(*value), std::move(version)}});
        }
        rest = rest.subspan(values->size());
    }
    return {};
}

// What is there at the first look is no change.
void RedisWatch::tell(const Event& event) {
    if (looks_ == 1) return;
    while (queue_.pending() >= kMostPending && pause(kPatience)) {
    }
    queue_.add(event);
}

}  // namespace mc::metadata
