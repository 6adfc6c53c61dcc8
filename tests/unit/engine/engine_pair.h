#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "mc/engine.h"

namespace mc::test {

/// Two engines on loopback, P2PHANDSHAKE, each with one registered buffer.
struct EnginePair {
    static constexpr std::size_t kSize = 1 << 20;

    explicit EnginePair(const EngineOptions& options = {}, const EngineOptions& target_options = {})
        : target(std::make_unique<TransferEngine>(target_options)),
          initiator(std::make_unique<TransferEngine>(options)) {
        start(*target, remote);
        start(*initiator, local);
        auto opened = initiator->openSegment(target->localServerName());
        EXPECT_TRUE(opened) << opened.error().message;
        if (opened) segment = *opened;
    }

    static void start(TransferEngine& engine, std::vector<std::byte>& memory) {
        const auto joined = engine.init("P2PHANDSHAKE", "127.0.0.1");
        ASSERT_TRUE(joined) << joined.error().message;
        const auto installed = engine.installTransport("tcp");
        ASSERT_TRUE(installed) << installed.error().message;
        ASSERT_TRUE(engine.registerLocalMemory(memory.data(), memory.size(), "cpu:0"));
    }

    std::uint64_t remoteAddress(std::size_t offset = 0) const {
        return reinterpret_cast<std::uint64_t>(remote.data() + offset);
    }

    TransferRequest request(Opcode opcode, std::size_t offset, std::size_t length) {
        TransferRequest made;
        made.opcode = opcode;
        made.source = local.data() + offset;
        made.target_id = segment;
        made.target_offset = remoteAddress(offset);
        made.length = length;
        return made;
    }

    /// Runs one batch to its end and returns the status of each request.
    std::vector<TransferStatus> run(const std::vector<TransferRequest>& requests) {
        std::vector<TransferStatus> statuses;
        const auto batch = initiator->allocateBatchID(requests.size());
        EXPECT_TRUE(batch);
        const auto submitted = initiator->submitTransfer(*batch, requests);
        EXPECT_TRUE(submitted) << submitted.error().message;
        EXPECT_TRUE(initiator->waitBatch(*batch, std::chrono::seconds(20)));
        for (std::size_t i = 0; i < requests.size(); ++i) {
            statuses.push_back(initiator->getTransferStatus(*batch, i).value());
        }
        EXPECT_TRUE(initiator->freeBatchID(*batch));
        return statuses;
    }

    std::vector<std::byte> remote = std::vector<std::byte>(kSize);
    std::vector<std::byte> local = std::vector<std::byte>(kSize);
    std::unique_ptr<TransferEngine> target;
    std::unique_ptr<TransferEngine> initiator;
    SegmentHandle segment = -1;
};

inline void fillPattern(std::vector<std::byte>& memory, unsigned seed) {
    for (std::size_t i = 0; i < memory.size(); ++i) {
        memory[i] = static_cast<std::byte>((i * 31 + seed * 17 + (i >> 8)) & 0xff);
    }
}

}  // namespace mc::test
