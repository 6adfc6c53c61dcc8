#include "metadata/server/watch_hub.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/errors.h"
#include "base/thread.h"
#include "metadata/server/json_text.h"

namespace mc::metadata::server {

WatchHub::WatchHub(LocalStore& store, ServerMetrics& metrics, const Options& options)
    : store_(store), metrics_(metrics), options_(options), thread_([this] { run(); }) {}

WatchHub::~WatchHub() {
    stop();
}

Result<std::shared_ptr<BodyStream>> WatchHub::subscribe(std::string_view prefix) {
    auto stream = std::make_shared<WatchStream>(std::string(prefix));
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::Unavailable, "the server is stopping");
    dropUnread();
    if (streams_.size() >= options_.max_watches) return fail(ErrorCode::Busy, "too many watches");
    if (!watch_) {
        auto watch = store_.watch("", std::nullopt);
        if (!watch) return std::unexpected(watch.error());
        watch_ = std::move(*watch);
    }
    // No event can come before this line: they are delivered under the lock.
    stream->add(std::make_shared<const std::string>(watchingLine(prefix, store_.revision())));
    streams_.push_back(stream);
    metrics_.watches = streams_.size();
    changed_.notify_one();
    return stream;
}

void WatchHub::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (watch_) watch_->cancel();
        endAll(nullptr);
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void WatchHub::run() {
    nameThisThread("watch");
    auto beat = SteadyClock::now() + options_.heartbeat;
    for (;;) {
        std::shared_ptr<Watch> watch;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || watch_; });
            if (stopping_) return;
            watch = watch_;
        }
        auto event = watch->next(beat);
        const std::lock_guard lock(mutex_);
        // A watch that nobody read any more has a successor by now, which has this event, too.
        if (event && *event && watch == watch_) deliver(**event);
        if (!event && event.error().code != ErrorCode::TimedOut && watch == watch_) {
            endAll(event.error().code == ErrorCode::Io ? tooSlowLine() : nullptr);
        }
        if (SteadyClock::now() >= beat) {
            heartbeat();
            beat = SteadyClock::now() + options_.heartbeat;
        }
    }
}

void WatchHub::deliver(const Event& event) {
    WatchStream::Line line;
    for (const auto& each : streams_) {
        const auto stream = each.lock();
        if (!stream || !event.item.key.starts_with(stream->prefix())) continue;
        if (!line) line = std::make_shared<const std::string>(eventLine(event));
        stream->add(line);
    }
}

void WatchHub::heartbeat() {
    static const auto kEmpty = std::make_shared<const std::string>("\n");
    dropUnread();
    for (const auto& each : streams_) {
        if (const auto stream = each.lock()) stream->add(kEmpty);
    }
}

void WatchHub::endAll(const WatchStream::Line& last) {
    for (const auto& each : streams_) {
        if (const auto stream = each.lock()) stream->end(last);
    }
    streams_.clear();
    watch_.reset();
    metrics_.watches = 0;
}

void WatchHub::dropUnread() {
    std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
    metrics_.watches = streams_.size();
    if (streams_.empty()) watch_.reset();
}

}  // namespace mc::metadata::server
