#include "host_load.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "io/event_loop.h"
#include "io/socket_address.h"
#include "loaded_controller.h"

namespace mc::perf {
namespace {

class StandardInput final : public io::EventHandler {
  public:
    void onEvents(std::uint32_t /*events*/) override {
        std::array<char, 64> bytes{};
        ended = ::read(STDIN_FILENO, bytes.data(), bytes.size()) <= 0;
    }
    bool ended = false;
};

double cpuSeconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<void> runUntil(io::EventLoop& loop, const Progress& progress, auto over) {
    while (!progress.error && !over()) {
        loop.runOnce();
    }
    if (progress.error) return std::unexpected(*progress.error);
    return {};
}

void report(const HostLoadOptions& options, const bench::Histogram& latencies, double seconds, double cpu) {
    const auto count = static_cast<double>(latencies.count());
    const auto microseconds = [&](double share) {
        return std::chrono::duration<double, std::micro>(latencies.percentile(share)).count();
    };
    fmt::print(
        "{{\"requests_per_s\": {:.1f}, \"gb_per_s\": {:.4f}, \"cpu_us_per_request\": {:.3f}, "
        "\"latency_us\": {{\"p50\": {:.1f}, \"p99\": {:.1f}}}}}\n",
        count / seconds, count * static_cast<double>(options.block_size) / seconds * 1e-9, cpu * 1e6 / count,
        microseconds(0.5), microseconds(0.99));
}

}  // namespace

Result<void> runHostLoad(const HostLoadOptions& options) {
    const auto target = io::resolve("127.0.0.1", options.port);
    if (!target) return std::unexpected(target.error());
    auto opened = io::EventLoop::open();
    if (!opened) return std::unexpected(opened.error());
    io::EventLoop& loop = **opened;
    Progress progress;
    std::vector<std::unique_ptr<LoadedController>> controllers;
    for (std::size_t i = 0; i < options.connections; ++i) {
        auto controller = LoadedController::connect(loop, *target, options, progress);
        if (!controller) return std::unexpected(controller.error());
        controllers.push_back(std::move(*controller));
    }
    auto ended = runUntil(loop, progress, [&] { return progress.ready == controllers.size(); });
    if (!ended) return ended;

    if (options.seconds > 0) {
        const double cpu_before = cpuSeconds();
        const auto start = SteadyClock::now();
        progress.until =
            start + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(options.seconds));
        for (const auto& controller : controllers) {
            controller->begin();
        }
        ended = runUntil(loop, progress, [&] { return progress.under_way == 0; });
        if (!ended) return ended;
        report(options, progress.latencies, std::chrono::duration<double>(SteadyClock::now() - start).count(),
               cpuSeconds() - cpu_before);
    } else {
        fmt::print("{{\"connections\": {}}}\n", controllers.size());
    }
    std::fflush(stdout);
    if (!options.hold) return {};

    StandardInput input;
    if (auto added = loop.add(STDIN_FILENO, EPOLLIN, input); !added) return added;
    return runUntil(loop, progress, [&] { return input.ended; });
}

}  // namespace mc::perf
