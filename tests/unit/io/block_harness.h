#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/block_queue.h"
#include "temporary.h"

namespace mc::test {

/// Bytes that differ from block to block.
inline std::vector<std::byte> patternOf(std::size_t size, std::uint32_t seed) {
    std::vector<std::byte> bytes(size);
    std::uint32_t state = seed * 2654435761U + 1;
    for (std::byte& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24);
    }
    return bytes;
}

/// A regular file with a pattern, which goes with the test.
class PatternFile {
  public:
    /// In `folder`, which ends with a slash; empty: where temporary files are.
    PatternFile(const std::string& name, std::size_t size, std::uint32_t seed = 1, const std::string& folder = {})
        : path(folder.empty() ? temporaryPath(name)
                              : folder + std::filesystem::path(temporaryPath(name)).filename().string()),
          content(patternOf(size, seed)) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(size));
    }
    PatternFile(const PatternFile&) = delete;
    PatternFile& operator=(const PatternFile&) = delete;
    ~PatternFile() { std::filesystem::remove(path); }

    const std::string path;
    const std::vector<std::byte> content;
};

/// Memory that direct I/O takes.
class AlignedMemory {
  public:
    explicit AlignedMemory(std::size_t size)
        : size_(size), bytes_(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096)) {
        std::ranges::fill(span(), std::byte{0xa5});
    }
    explicit AlignedMemory(std::span<const std::byte> content) : AlignedMemory(content.size()) {
        std::ranges::copy(content, span().begin());
    }
    std::span<std::byte> span() { return {static_cast<std::byte*>(bytes_.get()), size_}; }
    std::byte* data() { return span().data(); }

  private:
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    std::size_t size_;
    std::unique_ptr<void, Free> bytes_;
};

/// A request and how it ended.
struct Issued {
    io::BlockRequest request;
    std::optional<int> end;
};

/// A queue with its loop, run by the test's thread.
class BlockHarness {
  public:
    explicit BlockHarness(const io::BlockQueueOptions& options = {}) : loop_(std::move(*io::EventLoop::open())) {
        auto queue = io::BlockQueue::open(*loop_, options);
        if (queue) {
            queue_ = std::move(*queue);
        } else {
            error = queue.error();
        }
    }

    io::EventLoop& loop() { return *loop_; }
    io::BlockQueue& queue() { return *queue_; }
    explicit operator bool() const { return queue_ != nullptr; }

    /// `issued` must stay where it is until it has ended.
    void submit(Issued& issued) {
        issued.request.context = &issued;
        issued.request.done = [](io::BlockRequest& request, int number) {
            auto& ended = *static_cast<Issued*>(request.context);
            EXPECT_FALSE(ended.end) << "it ended twice";
            ended.end = number;
        };
        issued.end = queue_->submit(issued.request);
    }

    /// Runs the loop until it holds. Ends the process if that takes longer than any machine needs: what is under way
    /// belongs to tests that can't go on.
    void runUntil(const auto& holds) {
        queue_->flush();
        const auto deadline = SteadyClock::now() + std::chrono::seconds(60);
        while (!holds() && SteadyClock::now() < deadline) {
            loop_->runOnce(deadline);
        }
        if (!holds()) {
            std::fputs("requests of a BlockQueue did not end\n", stderr);
            std::abort();
        }
    }
    void runToTheEnd() {
        runUntil([this] { return queue_->inFlight() == 0; });
    }

    /// The errno with which it ended.
    int run(const io::BlockRequest& request) {
        Issued issued{request, {}};
        submit(issued);
        runUntil([&] { return issued.end.has_value(); });
        return issued.end.value_or(-1);
    }

    int read(io::BlockDevice& device, std::uint64_t offset, std::span<std::byte> into) {
        return run({.device = &device, .offset = offset, .length = into.size(), .data = into.data()});
    }
    int write(io::BlockDevice& device, std::uint64_t offset, std::span<std::byte> from, bool durable = false) {
        return run({.kind = io::BlockRequest::Kind::Write,
                    .durable = durable,
                    .device = &device,
                    .offset = offset,
                    .length = from.size(),
                    .data = from.data()});
    }

    std::optional<Error> error;  ///< Why there is no queue.

  private:
    std::unique_ptr<io::EventLoop> loop_;
    std::unique_ptr<io::BlockQueue> queue_;
};

}  // namespace mc::test
