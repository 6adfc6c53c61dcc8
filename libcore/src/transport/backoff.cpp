#include "transport/backoff.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace mc {

Backoff::~Backoff() {
    if (timer_ != 0) loop_.cancel(timer_);
}

void Backoff::failed(const Error& error, std::function<void()> retry) {
    constexpr unsigned kMostDoublings = 6;
    constexpr std::chrono::milliseconds kFirstPause{10};
    const unsigned failures = failures_++;
    if (failures == 0) {
        log::warning("{}: {}", protocol_, error.message);
        if (!error.hint.empty()) log::warning("hint: {}", error.hint);
    }
    const unsigned factor = failures == 0 ? 0 : 1U << std::min(failures - 1, kMostDoublings);
    not_before_ = SteadyClock::now() + kFirstPause * factor;
    if (timer_ != 0) loop_.cancel(timer_);
    timer_ = loop_.at(not_before_, [this, again = std::move(retry)] {
        timer_ = 0;
        again();
    });
}

}  // namespace mc
