#include "control/keep_alive.h"

#include <system_error>

#include "base/errors.h"
#include "base/log.h"
#include "base/thread.h"

namespace mc::control {

KeepAlive::KeepAlive(std::chrono::nanoseconds interval, Restore restore)
    : interval_(interval), restore_(std::move(restore)) {}

Result<std::unique_ptr<KeepAlive>> KeepAlive::start(std::chrono::nanoseconds interval, Restore restore) {
    std::unique_ptr<KeepAlive> made(new KeepAlive(interval, std::move(restore)));
    try {
        made->thread_ = std::jthread([self = made.get()](const std::stop_token& stop) { self->run(stop); });
    } catch (const std::system_error& error) {
        return failErrno("start thread", "mc-keep-alive", error.code().value());
    }
    return made;
}

void KeepAlive::run(const std::stop_token& stop) {
    nameThisThread("mc-keep-alive");
    std::unique_lock lock(mutex_);
    for (;;) {
        never_.wait_for(lock, stop, interval_, [] { return false; });
        if (stop.stop_requested()) return;
        restoreOnce();
    }
}

void KeepAlive::restoreOnce() {
    const auto restored = restore_();
    for (const auto& key : restored.value_or(std::vector<std::string>{}))
        log::warning("{} was missing in the metadata store, and is published again", key);
    std::string problem = restored ? std::string() : restored.error().message;
    if (!problem.empty() && problem != last_problem_) log::warning("keep alive: {}", problem);
    last_problem_ = std::move(problem);
}

}  // namespace mc::control
