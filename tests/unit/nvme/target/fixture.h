#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "io/socket.h"
#include "nvme/target/target.h"
#include "target/test_host.h"

namespace mc::nvme::test {

inline constexpr const char* kSubsystem = "nqn.2024-01.test:store";

/// A target on loopback with one subsystem.
class TargetFixture : public ::testing::Test {
  protected:
    // In one loop unless more are asked for: that what one connection wrote another one reads later is the host's
    // doing, and a race detector does not see it.
    void start(TargetOptions options = {}) {
        if (options.threads == TargetOptions{}.threads) options.threads = 1;
        auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 128);
        ASSERT_TRUE(listener);
        auto target = Target::start(std::move(*listener), options);
        ASSERT_TRUE(target) << target.error().message;
        target_ = std::move(*target);
        ASSERT_TRUE(target_->addSubsystem({.nqn = kSubsystem, .serial = "MC0001"}));
    }
    /// Zeroed memory as a namespace.
    std::span<std::byte> addMemory(std::uint32_t nsid, std::uint64_t size = 4 << 20, std::uint32_t block_size = 4096) {
        auto device = io::makeMemoryDevice("memory" + std::to_string(nsid), size, block_size);
        EXPECT_TRUE(device);
        NamespaceOptions options{.nsid = nsid, .device = *device};
        options.nguid[0] = static_cast<std::uint8_t>(nsid);
        options.uuid[15] = static_cast<std::uint8_t>(nsid);
        const auto added = target_->addNamespace(kSubsystem, options);
        EXPECT_TRUE(added) << added.error().message;
        return (*device)->memory();
    }
    TestHost connectAdmin(TestHost::ConnectOptions options = {}, HostDigests digests = {}) {
        if (options.subsystem_nqn.empty()) options.subsystem_nqn = kSubsystem;
        TestHost host(target_->port());
        host.initialize(digests);
        const auto answer = host.connect(options);
        EXPECT_EQ(answer.status(), 0);
        controller_id_ = static_cast<std::uint16_t>(answer.completion.result);
        host.enable();
        return host;
    }
    TestHost connectQueue(std::uint16_t queue_id, HostDigests digests = {}, std::uint8_t data_alignment = 0,
                          std::uint8_t attributes = 0) {
        TestHost host(target_->port());
        host.initialize(digests, data_alignment);
        const auto answer = host.connect({.subsystem_nqn = kSubsystem,
                                          .controller_id = controller_id_,
                                          .queue_id = queue_id,
                                          .queue_size = 127,
                                          .attributes = attributes});
        EXPECT_EQ(answer.status(), 0);
        return host;
    }
    static SubmissionEntry transfer(std::uint8_t opcode, std::uint64_t block, std::uint32_t blocks,
                                    std::uint32_t nsid = 1) {
        return {.opcode = opcode,
                .nsid = nsid,
                .cdw10 = static_cast<std::uint32_t>(block),
                .cdw11 = static_cast<std::uint32_t>(block >> 32U),
                .cdw12 = blocks - 1};
    }

    std::unique_ptr<Target> target_;
    std::uint16_t controller_id_ = 0;
};

/// Bytes that differ from place to place.
inline Bytes pattern(std::size_t size, std::uint32_t seed = 1) {
    Bytes bytes(size);
    std::uint32_t value = seed * 2654435761U + 1;
    for (auto& byte : bytes) {
        value = value * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(value >> 24U);
    }
    return bytes;
}

}  // namespace mc::nvme::test
