#include "metadata/server/watch_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mc::metadata::server {

const WatchStream::Line& tooSlowLine() {
    static const auto kLine = std::make_shared<const std::string>("{\"error\":\"too slow\"}\n");
    return kLine;
}

void WatchStream::add(const Line& line) {
    std::unique_lock lock(mutex_);
    if (ended_) return;
    if (!lines_.empty() && pending_bytes_ + line->size() > kMaxPendingBytes) {
        // What has been begun is a part of a line: it is completed.
        lines_.erase(lines_.begin() + (offset_ > 0 ? 1 : 0), lines_.end());
        lines_.push_back(tooSlowLine());
        ended_ = true;
    } else {
        lines_.push_back(line);
        pending_bytes_ += line->size();
    }
    wakeAfter(std::move(lock));
}

void WatchStream::end(const Line& last) {
    std::unique_lock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    if (last) lines_.push_back(last);
    wakeAfter(std::move(lock));
}

std::optional<std::size_t> WatchStream::read(std::span<char> to) {
    const std::lock_guard lock(mutex_);
    std::size_t written = 0;
    while (!lines_.empty() && written < to.size()) {
        const std::string& line = *lines_.front();
        const std::size_t part = std::min(line.size() - offset_, to.size() - written);
        std::memcpy(to.data() + written, line.data() + offset_, part);
        written += part;
        offset_ += part;
        if (offset_ < line.size()) break;
        pending_bytes_ -= std::min(line.size(), pending_bytes_);
        offset_ = 0;
        lines_.pop_front();
    }
    if (written == 0 && ended_) return std::nullopt;
    return written;
}

void WatchStream::wait(std::move_only_function<void()> wake) {
    std::unique_lock lock(mutex_);
    wake_ = std::move(wake);
    if (!lines_.empty() || ended_) wakeAfter(std::move(lock));
}

void WatchStream::wakeAfter(std::unique_lock<std::mutex> lock) {
    auto wake = std::exchange(wake_, nullptr);
    lock.unlock();
    if (wake) wake();
}

}  // namespace mc::metadata::server
