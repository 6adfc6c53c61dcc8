#include "control/served_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "base/errors.h"
#include "engine/engine_pair.h"
#include "metadata/memory_store.h"

namespace mc::control {
namespace {

using metadata::Precondition;
using test::EnginePair;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kName = "node1";
constexpr const char* kKey = "mooncake/ram/node1";
constexpr std::size_t kSize = 64 << 10;

std::vector<io::Buffer> take(std::size_t count) {
    std::vector<io::Buffer> buffers;
    for (std::size_t i = 0; i < count; ++i)
        buffers.push_back(io::Buffer::allocate(kSize, {}).value());
    return buffers;
}

std::vector<std::uint64_t> numbers(const std::vector<ServedBuffer>& buffers) {
    std::vector<std::uint64_t> all;
    std::ranges::transform(buffers, std::back_inserter(all), &ServedBuffer::number);
    return all;
}

BufferChoice choose(std::initializer_list<std::uint64_t> names, bool ignore_missing = false) {
    BufferChoice choice{.names = {}, .ignore_missing = ignore_missing};
    for (const auto name : names)
        choice.names.push_back({.value = name});
    return choice;
}

TEST(BufferNames, AreNumbersOrAddresses) {
    const ServedBuffer buffer{.number = 12, .addr = 0x7f00, .location = {}};
    EXPECT_TRUE(parseBufferName("12")->fits(buffer));
    EXPECT_TRUE(parseBufferName("0x7f00")->fits(buffer));
    EXPECT_FALSE(parseBufferName("0x12")->fits(buffer));
    EXPECT_FALSE(parseBufferName("32512")->fits(buffer));
    EXPECT_EQ(toString(*parseBufferName("0x7F00")), "0x7f00");
    for (const char* text :
         {"", "0x", "-1", "1.5", "7f00", "0xg", " 1", "1 ", "18446744073709551616", "0x10000000000000000"})
        EXPECT_EQ(parseBufferName(text).error().code, ErrorCode::InvalidArgument) << text;
}

/// A store that can be away.
class FlakyStore : public metadata::MemoryStore {
  public:
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        if (away) return fail(ErrorCode::Unavailable, "store: gone");
        ++puts;
        return MemoryStore::put(key, value, precondition, deadline);
    }
    std::atomic<bool> away = false;
    std::atomic<int> puts = 0;
};

class Served : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(memory_.add(*engine_, take(1)));
        ASSERT_TRUE(engine_->init(store_, kName, "127.0.0.1"));
        ASSERT_TRUE(engine_->installTransport("tcp"));
    }
    std::set<std::uint64_t> published() {
        std::set<std::uint64_t> addrs;
        const auto value = store_->get(kKey, std::nullopt);
        EXPECT_TRUE(value);
        const auto descriptor = decodeSegmentDescriptor(value->value);
        for (const auto& buffer : descriptor->buffers)
            addrs.insert(buffer.addr);
        return addrs;
    }
    std::set<std::uint64_t> served() {
        std::set<std::uint64_t> addrs;
        for (const auto& buffer : memory_.describe())
            addrs.insert(buffer.addr);
        return addrs;
    }

    std::shared_ptr<FlakyStore> store_ = std::make_shared<FlakyStore>();
    ServedMemory memory_;
    std::unique_ptr<TransferEngine> engine_ = std::make_unique<TransferEngine>();
};

TEST_F(Served, WhatIsServedIsPublished) {
    const auto added = memory_.add(*engine_, take(2));
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_THAT(numbers(*added), ElementsAre(1, 2));
    EXPECT_EQ(published(), served());
    const auto found = memory_.find(choose({2, 1, 2}));
    EXPECT_THAT(numbers(found.value()), ElementsAre(1, 2));

    const int before = store_->puts;
    const auto removed = memory_.remove(*engine_, choose({2, 1, 2}));
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_THAT(numbers(*removed), ElementsAre(1, 2));
    EXPECT_EQ(store_->puts, before + 1);
    EXPECT_THAT(numbers(memory_.describe()), ElementsAre(0));
    EXPECT_EQ(published(), served());

    // A number is not used again.
    EXPECT_THAT(numbers(memory_.add(*engine_, take(1)).value()), ElementsAre(3));
    const auto by_address = memory_.remove(
        *engine_, {.names = {{.is_address = true, .value = memory_.describe().front().addr}}, .ignore_missing = false});
    EXPECT_THAT(numbers(by_address.value()), ElementsAre(0));
    EXPECT_EQ(published(), served());
}

TEST_F(Served, TheLastOneStays) {
    const auto removed = memory_.remove(*engine_, choose({0}));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, ErrorCode::Busy);
    EXPECT_THAT(removed.error().message, HasSubstr("buffer 0: it is the last one"));
    ASSERT_TRUE(memory_.add(*engine_, take(1)));
    EXPECT_EQ(memory_.remove(*engine_, choose({0, 1})).error().code, ErrorCode::Busy);
    EXPECT_THAT(numbers(memory_.describe()), ElementsAre(0, 1));
    EXPECT_EQ(published(), served());
}

TEST_F(Served, WhatIsNotThereIsNotRemoved) {
    ASSERT_TRUE(memory_.add(*engine_, take(1)));
    EXPECT_EQ(memory_.remove(*engine_, choose({1, 7})).error().code, ErrorCode::NotFound);
    EXPECT_THAT(numbers(memory_.describe()), ElementsAre(0, 1));
    EXPECT_THAT(numbers(memory_.remove(*engine_, choose({1, 7}, true)).value()), ElementsAre(1));
    EXPECT_TRUE(memory_.remove(*engine_, choose({1, 7}, true))->empty());
}

TEST_F(Served, WithoutTheStoreNothingChanges) {
    ASSERT_TRUE(memory_.add(*engine_, take(1)));
    const auto before = published();
    store_->away = true;
    EXPECT_EQ(memory_.add(*engine_, take(2)).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(memory_.remove(*engine_, choose({1})).error().code, ErrorCode::Unavailable);
    store_->away = false;
    EXPECT_EQ(served(), before);
    EXPECT_EQ(published(), before);
    // Both go as if nothing had happened.
    EXPECT_TRUE(memory_.add(*engine_, take(1)));
    EXPECT_TRUE(memory_.remove(*engine_, choose({1})));
    EXPECT_EQ(published(), served());
}

TEST_F(Served, AnotherOwnersDescriptorIsNotOverwritten) {
    ASSERT_TRUE(memory_.add(*engine_, take(1)));
    ASSERT_TRUE(store_->put(kKey, "{}", Precondition::any(), std::nullopt));
    EXPECT_EQ(memory_.add(*engine_, take(1)).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(memory_.remove(*engine_, choose({1})).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store_->get(kKey, std::nullopt)->value, "{}");
    EXPECT_THAT(numbers(memory_.describe()), ElementsAre(0, 1));
}

TEST_F(Served, SeveralAtOnceAgree) {
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                const auto added = memory_.add(*engine_, take(2));
                if (!added || !memory_.remove(*engine_, choose({added->front().number}))) ++failures;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(memory_.describe().size(), 81U);
    EXPECT_EQ(served().size(), 81U);
    EXPECT_EQ(published(), served());
}

// What is given back to the system is read and written by nobody: a touch would end the process.
TEST(ServedMemoryUnderLoad, IsGivenBackWhenNobodyTouchesItAnyMore) {
    EngineOptions of_one_thread;
    of_one_thread.tcp.threads = 1;
    EnginePair pair({}, of_one_thread);
    ServedMemory memory;
    ASSERT_TRUE(memory.add(*pair.target, take(1)));
    for (int round = 0; round < 5; ++round) {
        const auto added = memory.add(*pair.target, take(1));
        ASSERT_TRUE(added);
        std::atomic<int> completed = 0;
        std::atomic<int> refused = 0;
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 2; ++t) {
            threads.emplace_back([&, t] {
                while (refused < 10) {
                    auto request = pair.request(t == 0 ? Opcode::Write : Opcode::Read, t * kSize, kSize);
                    request.target_offset = added->front().addr;
                    const auto status = pair.run({request})[0].s;
                    ++(status == TaskStatus::COMPLETED ? completed : refused);
                }
            });
        }
        while (completed < 50)
            std::this_thread::yield();
        const auto removed = memory.remove(*pair.target, choose({added->front().number}));
        EXPECT_TRUE(removed);
        threads.clear();  // They go on until they have been refused often enough.
        EXPECT_EQ(pair.run({pair.request(Opcode::Read, 0, 64)})[0].s, TaskStatus::COMPLETED);
    }
}

}  // namespace
}  // namespace mc::control
