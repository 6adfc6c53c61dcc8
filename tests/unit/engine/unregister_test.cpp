#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "engine/engine_pair.h"

namespace mc {
namespace {

using test::EnginePair;

constexpr std::byte kPoison{0xEE};
constexpr std::size_t kBlock = 32 << 10;
constexpr std::size_t kRequests = 16;

// What was unregistered is its owner's again at once, however many peers read and write it at that moment.
TEST(Unregister, UnderLoadLeavesNobodyInTheMemory) {
    // Whoever reads and writes the same bytes by several threads of the target has a race, as with any memory.
    EngineOptions of_one_thread;
    of_one_thread.tcp.threads = 1;
    EnginePair pair({}, of_one_thread);
    for (int round = 0; round < 10; ++round) {
        std::vector<std::byte> shared(kRequests * kBlock, std::byte{1});
        ASSERT_TRUE(pair.target->registerLocalMemory(shared.data(), shared.size()));
        std::atomic<std::size_t> completed = 0;
        std::atomic<int> refused = 0;
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 2; ++t) {
            threads.emplace_back([&, t] {
                while (refused < 20) {
                    std::vector<TransferRequest> requests;
                    for (std::size_t i = 0; i < kRequests; ++i) {
                        const auto opcode = (i + t) % 2 == 0 ? Opcode::Write : Opcode::Read;
                        requests.push_back(
                            pair.request(opcode, (t * kRequests + i) % 32 * kBlock % EnginePair::kSize, kBlock / 2));
                        requests.back().target_offset = reinterpret_cast<std::uint64_t>(shared.data() + i * kBlock);
                    }
                    for (const auto& status : pair.run(requests)) {
                        if (status.s == TaskStatus::COMPLETED) {
                            ++completed;
                        } else {
                            EXPECT_TRUE(status.s == TaskStatus::FAILED || status.s == TaskStatus::INVALID)
                                << toString(status.s);
                            ++refused;
                        }
                    }
                }
            });
        }
        while (completed < 200) {
            std::this_thread::yield();
        }
        ASSERT_TRUE(pair.target->unregisterLocalMemory(shared.data()));
        std::ranges::fill(shared, kPoison);
        threads.clear();  // They go on until they have been refused often enough.
        EXPECT_TRUE(std::ranges::all_of(shared, [](std::byte byte) { return byte == kPoison; }));
        EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
    }
}

}  // namespace
}  // namespace mc
