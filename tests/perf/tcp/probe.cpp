// What mc-bench does not vary: how many buffers are registered. The memory is the same, cut into more of them.
//
//   probe target BUFFERS               serves 1 GiB until stdin ends; prints {segment, port, addr} when ready
//   probe initiator BUFFERS SEGMENT SECONDS    reads 4 KiB blocks, in batches of 128; prints {requests_per_s}
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mc/engine.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRegion = std::size_t{1} << 30;
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBatch = 128;
constexpr std::size_t kStride = kRegion / kBatch;  // A batch visits as many buffers as it can.

[[noreturn]] void fail(const mc::Error& error) {
    std::fprintf(stderr, "probe: %s\n", error.message.c_str());
    std::exit(static_cast<int>(mc::exitCode(error.code)));
}

template <typename T>
T orExit(mc::Result<T> result) {
    if (!result) fail(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

using Region = std::unique_ptr<std::byte, decltype(&std::free)>;

Region serve(mc::TransferEngine& engine, std::size_t buffers) {
    Region region(static_cast<std::byte*>(std::aligned_alloc(kBlock, kRegion)), &std::free);
    std::fill_n(region.get(), kRegion, std::byte{1});
    std::vector<mc::BufferEntry> entries;
    for (std::size_t i = 0; i < buffers; ++i)
        entries.push_back({region.get() + i * (kRegion / buffers), kRegion / buffers});
    orExit(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    orExit(engine.installTransport("tcp"));
    orExit(engine.registerLocalMemoryBatch(entries));
    return region;
}

void runTarget(std::size_t buffers) {
    mc::TransferEngine engine;
    const Region region = serve(engine, buffers);
    const auto descriptor = orExit(engine.segmentDescriptor(mc::kLocalSegment));
    std::printf("{\"segment\": \"%s\", \"port\": %d, \"addr\": %llu}\n", engine.localServerName().c_str(),
                descriptor->tcp_data_port,
                static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(region.get())));
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
}

void runInitiator(std::size_t buffers, const char* segment_name, std::chrono::seconds duration) {
    mc::TransferEngine engine;
    const Region region = serve(engine, buffers);
    const mc::SegmentHandle segment = orExit(engine.openSegment(segment_name));
    const std::uint64_t remote = orExit(engine.segmentDescriptor(segment))->buffers.at(0).addr;
    std::vector<mc::TransferRequest> requests;
    for (std::size_t i = 0; i < kBatch; ++i) {
        requests.push_back({.source = region.get() + i * kStride,
                            .target_id = segment,
                            .target_offset = remote + i * kStride,
                            .length = kBlock});
    }
    std::size_t batches = 0;
    const auto start = Clock::now();
    while (Clock::now() - start < duration) {
        const mc::BatchID batch = orExit(engine.allocateBatchID(kBatch));
        orExit(engine.submitTransfer(batch, requests));
        orExit(engine.waitBatch(batch));
        for (std::size_t i = 0; i < kBatch; ++i) {
            if (orExit(engine.getTransferStatus(batch, i)).s != mc::TaskStatus::COMPLETED) std::exit(1);
        }
        orExit(engine.freeBatchID(batch));
        ++batches;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::printf("{\"requests_per_s\": %.1f}\n", static_cast<double>(batches * kBatch) / seconds);
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
    const std::string mode = argc > 2 ? arguments[1] : "";
    const std::size_t buffers = argc > 2 ? std::strtoull(arguments[2], nullptr, 10) : 0;
    if (buffers == 0 || buffers > kRegion / kBlock) return 64;
    if (mode == "target" && argc == 3) {
        runTarget(buffers);
        return 0;
    }
    if (mode != "initiator" || argc != 5) return 64;
    runInitiator(buffers, arguments[3], std::chrono::seconds(std::strtoull(arguments[4], nullptr, 10)));
    return 0;
}
