#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "temporary.h"
#include "transport/nvmeof/nvmeof_transport.h"

namespace mc::nvmeof::test {

using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

inline constexpr const char* kAnyPort = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0";

using mc::test::TemporaryFile;

inline std::unique_ptr<NvmeofTransport> openTransport(std::string_view where, const NvmeofOptions& options = {},
                                                      nvme::kernel::KernelHost kernel = nvme::kernel::KernelHost(),
                                                      FileOwner owner = {.name = "files.test:1",
                                                                         .advertised_host = {}}) {
    auto transport = NvmeofTransport::open(where, std::move(owner), options, std::move(kernel));
    EXPECT_TRUE(transport) << transport.error().message;
    return std::move(*transport);
}

inline SegmentDescriptor describe(const NvmeofTransport& transport) {
    SegmentDescriptor descriptor;
    descriptor.name = "files.test:1";
    descriptor.protocols = {"nvmeof_generic"};
    transport.describe(descriptor);
    return descriptor;
}

inline Result<void> registerFile(NvmeofTransport& transport, FileBufferID id, const std::string& path,
                                 LocalFileOptions options) {
    options.id = id;
    const FileEntry file{path, options};
    return transport.registerFiles({&file, 1});
}

struct Piece {
    Opcode opcode = Opcode::Read;
    FileBufferID file = 1;
    std::uint64_t offset = 0;
    std::span<std::byte> data;
};

/// An initiator with one peer, and a way to run slices on it.
class Initiator {
  public:
    explicit Initiator(const SegmentDescriptor& descriptor, const NvmeofOptions& options = {},
                       nvme::kernel::KernelHost kernel = nvme::kernel::KernelHost()) {
        transport_ = openTransport({}, options, std::move(kernel));
        auto peer = transport_->connect("", descriptor);
        EXPECT_TRUE(peer) << peer.error().message;
        peer_ = std::move(*peer);
    }
    ~Initiator() {
        EXPECT_EQ(unacknowledged, expected_unacknowledged);
        transport_->shutDown();
        peer_.reset();
    }
    Initiator(const Initiator&) = delete;
    Initiator& operator=(const Initiator&) = delete;

    struct Run {
        Completion completion;
        std::deque<Task> tasks;
        std::vector<Slice> slices;
    };
    std::shared_ptr<Run> start(const std::vector<Piece>& pieces, int retries = 3, SteadyClock::duration timeout = 60s) {
        auto run = std::make_shared<Run>();
        run->slices = std::vector<Slice>(pieces.size());
        run->completion.start(static_cast<std::uint32_t>(pieces.size()));
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            Task& task = run->tasks.emplace_back();
            task.status = TaskStatus::WAITING;
            task.slices_left = 1;
            task.batch = &run->completion;
            Slice& slice = run->slices[i];
            slice.opcode = pieces[i].opcode;
            slice.retries_left = static_cast<std::uint8_t>(retries);
            slice.file_id = pieces[i].file;
            slice.local = pieces[i].data.data();
            slice.remote = pieces[i].offset;
            slice.length = pieces[i].data.size();
            slice.deadline = SteadyClock::now() + timeout;
            slice.peer = peer_.get();
            slice.task = &task;
        }
        {
            const std::lock_guard lock(mutex_);
            runs_.push_back(run);
        }
        transport_->submit(run->slices);
        return run;
    }
    std::vector<TaskStatus> finish(Run& run) {
        transport_->await(run.completion, SteadyClock::now() + 60s);
        EXPECT_TRUE(run.completion.done());
        std::vector<TaskStatus> ends;
        for (const Task& task : run.tasks) {
            ends.push_back(task.status.load());
            unacknowledged += task.unacknowledged.load() ? 1 : 0;
        }
        return ends;
    }
    std::vector<TaskStatus> run(const std::vector<Piece>& pieces, int retries = 3) {
        return finish(*start(pieces, retries));
    }
    TaskStatus runOne(const Piece& piece, int retries = 3) { return run({piece}, retries).front(); }

    int expected_unacknowledged = 0;
    std::atomic<int> unacknowledged = 0;  ///< Of those that have ended.
    NvmeofTransport& transport() { return *transport_; }
    Peer& peer() { return *peer_; }

  private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<Run>> runs_;  // A completion outlives what the waiter sees of it.
    std::unique_ptr<NvmeofTransport> transport_;
    std::unique_ptr<Peer> peer_;
};

}  // namespace mc::nvmeof::test
