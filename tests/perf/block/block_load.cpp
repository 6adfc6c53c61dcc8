// Random or sequential reads or writes of one file at a constant depth through a BlockQueue, from one thread. Prints
// one line of JSON.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/block_queue.h"

namespace {

using mc::SteadyClock;
using mc::io::BlockQueueOptions;
using mc::io::BlockRequest;

struct Options {
    std::string file;
    BlockQueueOptions::Engine engine = BlockQueueOptions::Engine::Auto;
    bool write = false;
    bool direct = false;
    bool sequential = false;
    std::uint64_t block_size = 4096;
    std::size_t depth = 32;
    double seconds = 2;
};

class Load {
  public:
    Load(const Options& options, mc::io::EventLoop& loop, mc::io::BlockQueue& queue, mc::io::BlockDevice& device)
        : options_(options),
          loop_(loop),
          queue_(queue),
          device_(device),
          memory_(static_cast<std::byte*>(std::aligned_alloc(4096, options.depth * options.block_size))),
          requests_(options.depth) {
        std::fill_n(memory_.get(), options.depth * options.block_size, std::byte{0x5a});
    }

    void run(SteadyClock::time_point until) {
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            BlockRequest& request = requests_[i];
            request.kind = options_.write ? BlockRequest::Kind::Write : BlockRequest::Kind::Read;
            request.device = &device_;
            request.length = options_.block_size;
            request.data = memory_.get() + i * options_.block_size;
            request.context = this;
            request.done = [](BlockRequest& request_ended, int number) {
                auto& load = *static_cast<Load*>(request_ended.context);
                load.count(number);
                load.idle_.push_back(&request_ended);
            };
            idle_.push_back(&request);
        }
        while (SteadyClock::now() < until && error == 0) {
            step();
        }
        while (queue_.inFlight() > 0) {
            queue_.flush();
            loop_.runOnce();
        }
    }

    std::uint64_t ended = 0;
    int error = 0;

  private:
    // Submits what is idle once, as a connection does with the commands that it has received.
    void step() {
        std::swap(idle_, turn_);
        for (BlockRequest* const request : turn_) {
            request->offset = nextOffset();
            if (const auto end = queue_.submit(*request)) {
                count(*end);
                idle_.push_back(request);
            }
        }
        turn_.clear();
        queue_.flush();
        loop_.runOnce(idle_.empty() ? mc::Deadline() : SteadyClock::time_point());
    }

    std::uint64_t nextOffset() {
        const std::uint64_t blocks = device_.size() / options_.block_size;
        if (options_.sequential) return next_++ % blocks * options_.block_size;
        next_ = next_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (next_ >> 33) % blocks * options_.block_size;
    }

    void count(int number) {
        ++ended;
        if (number != 0) error = number;
    }

    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    const Options& options_;
    mc::io::EventLoop& loop_;
    mc::io::BlockQueue& queue_;
    mc::io::BlockDevice& device_;
    std::unique_ptr<std::byte, Free> memory_;
    std::vector<BlockRequest> requests_;
    std::vector<BlockRequest*> idle_;
    std::vector<BlockRequest*> turn_;
    std::uint64_t next_ = 1;
};

double cpuSeconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int failed(const std::string& message) {
    fmt::print(stderr, "block_load: {}\n", message);
    return 1;
}

int measure(const Options& options) {
    auto device = mc::io::openFileDevice(options.file, {.read_only = !options.write, .direct = options.direct});
    if (!device) return failed(device.error().message);
    auto loop = mc::io::EventLoop::open();
    if (!loop) return failed(loop.error().message);
    auto queue = mc::io::BlockQueue::open(**loop, {.engine = options.engine});
    if (!queue) return failed(queue.error().message);
    Load load(options, **loop, **queue, **device);
    const double cpu_before = cpuSeconds();
    const auto start = SteadyClock::now();
    load.run(start + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(options.seconds)));
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    const double cpu = cpuSeconds() - cpu_before;
    if (load.error != 0) return failed(fmt::format("{}: errno {}", options.file, load.error));
    fmt::print(
        "{{\"engine\": \"{}\", \"requests_per_s\": {:.1f}, \"gb_per_s\": {:.4f}, \"cpu_us_per_request\": {:.3f}}}\n",
        (*queue)->engineName(), static_cast<double>(load.ended) / seconds,
        static_cast<double>(load.ended * options.block_size) / seconds * 1e-9,
        cpu * 1e6 / static_cast<double>(load.ended));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    using Engine = BlockQueueOptions::Engine;
    Options options;
    CLI::App app("Reads or writes one file at a constant depth through a BlockQueue.");
    app.add_option("file", options.file)->required();
    app.add_option("--engine", options.engine)
        ->transform(CLI::CheckedTransformer(std::vector<std::pair<std::string, Engine>>{{"auto", Engine::Auto},
                                                                                        {"io_uring", Engine::Uring},
                                                                                        {"libaio", Engine::Aio},
                                                                                        {"threads", Engine::Threads}}));
    app.add_flag("--write", options.write);
    app.add_flag("--direct", options.direct);
    app.add_flag("--sequential", options.sequential);
    app.add_option("--block-size", options.block_size);
    app.add_option("--depth", options.depth);
    app.add_option("--seconds", options.seconds);
    CLI11_PARSE(app, argc, argv);
    return measure(options);
}
