// Two engines in one process: writes a pattern into the other's memory, reads it back, compares.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mc/engine.h"
#include "mc/version.h"

namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kBlocks = 16;

template <typename T>
T orExit(mc::Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "consumer: %s\n", result.error().message.c_str());
    std::exit(static_cast<int>(mc::exitCode(result.error().code)));
}

template <>
void orExit(mc::Result<void> result) {
    if (result) return;
    std::fprintf(stderr, "consumer: %s\n", result.error().message.c_str());
    std::exit(static_cast<int>(mc::exitCode(result.error().code)));
}

void start(mc::TransferEngine& engine, std::vector<std::byte>& memory) {
    orExit(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    orExit(engine.installTransport("tcp"));
    orExit(engine.registerLocalMemory(memory.data(), memory.size()));
}

/// Moves all blocks between `local` and the segment, block i to the place of block kBlocks - 1 - i.
void transfer(mc::TransferEngine& engine, mc::SegmentHandle segment, mc::Opcode opcode, std::vector<std::byte>& local) {
    const std::uint64_t remote = orExit(engine.segmentDescriptor(segment))->buffers.at(0).addr;
    std::vector<mc::TransferRequest> requests;
    for (std::size_t i = 0; i < kBlocks; ++i) {
        requests.push_back({.opcode = opcode,
                            .source = local.data() + i * kBlock,
                            .target_id = segment,
                            .target_offset = remote + (kBlocks - 1 - i) * kBlock,
                            .length = kBlock});
    }
    const mc::BatchID batch = orExit(engine.allocateBatchID(requests.size()));
    orExit(engine.submitTransfer(batch, requests));
    orExit(engine.waitBatch(batch, std::chrono::seconds(30)));
    for (std::size_t i = 0; i < kBlocks; ++i) {
        const mc::TransferStatus status = orExit(engine.getTransferStatus(batch, i));
        if (status.s == mc::TaskStatus::COMPLETED && status.transferred == kBlock) continue;
        std::fprintf(stderr, "consumer: request %zu: %s\n", i, mc::toString(status.s));
        std::exit(1);
    }
    orExit(engine.freeBatchID(batch));
}

}  // namespace

int main() {
    std::vector<std::byte> served(kBlocks * kBlock);
    std::vector<std::byte> sent(kBlocks * kBlock);
    std::vector<std::byte> received(kBlocks * kBlock);
    for (std::size_t i = 0; i < sent.size(); ++i)
        sent[i] = static_cast<std::byte>(i / kBlock * 31 + i);

    mc::TransferEngine target;
    mc::TransferEngine initiator;
    start(target, served);
    start(initiator, sent);
    orExit(initiator.registerLocalMemory(received.data(), received.size()));
    const mc::SegmentHandle segment = orExit(initiator.openSegment(target.localServerName()));

    transfer(initiator, segment, mc::Opcode::Write, sent);
    transfer(initiator, segment, mc::Opcode::Read, received);
    if (received != sent || served == sent) {
        std::fprintf(stderr, "consumer: what came back is not what was sent\n");
        return 1;
    }
    std::printf("mc %s: %zu bytes written, read back and equal\n", mc::version(), sent.size());
    return 0;
}
