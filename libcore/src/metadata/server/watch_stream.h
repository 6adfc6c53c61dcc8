#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "metadata/server/reply.h"

namespace mc::metadata::server {

/// The lines that the reader of a watch has not taken yet.
class WatchStream : public BodyStream {
  public:
    using Line = std::shared_ptr<const std::string>;
    /// Bytes that may wait for a reader; a single line may be longer.
    static constexpr std::size_t kMaxPendingBytes = std::size_t{4} << 20;

    explicit WatchStream(std::string prefix) : prefix_(std::move(prefix)) {}

    const std::string& prefix() const { return prefix_; }
    /// From any thread. Once too much waits, the reader is told that it is too slow, and that is the end.
    void add(const Line& line);
    /// Ends it after what waits, and `last` if there is one.
    void end(const Line& last = nullptr);

    std::optional<std::size_t> read(std::span<char> to) override;
    void wait(std::move_only_function<void()> wake) override;

  private:
    void wakeAfter(std::unique_lock<std::mutex> lock);

    const std::string prefix_;
    std::mutex mutex_;
    std::deque<Line> lines_;
    std::size_t pending_bytes_ = 0;
    std::size_t offset_ = 0;  // Into the first line.
    bool ended_ = false;
    std::move_only_function<void()> wake_;
};

/// The last line of a watch whose reader falls behind.
const WatchStream::Line& tooSlowLine();

}  // namespace mc::metadata::server
