#include "common/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <utility>

#include "base/thread.h"
#include "common/output.h"

namespace mc::tools {
namespace {

constexpr std::chrono::milliseconds kInterval{500};

void show(const std::function<std::string()>& text, const std::stop_token& stop) {
    nameThisThread("progress");
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, stop, kInterval, [] { return false; }) && !stop.stop_requested()) {
        fmt::print(stderr, "\r{}\x1b[K", text().substr(0, terminalWidth(STDERR_FILENO) - 1));
    }
    fmt::print(stderr, "\r\x1b[K");
}

}  // namespace

ProgressLine::ProgressLine(std::function<std::string()> text) {
    if (!text || !wanted()) return;
    thread_ = std::jthread([text = std::move(text)](const std::stop_token& stop) { show(text, stop); });
}

bool ProgressLine::wanted() {
    return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace mc::tools
