#include "io/block_queue.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <ostream>

#include "block_harness.h"

namespace mc::io {
namespace {

using Engine = BlockQueueOptions::Engine;
using Kind = BlockRequest::Kind;
using test::AlignedMemory;
using test::BlockHarness;
using test::Issued;
using test::PatternFile;
using test::patternOf;

constexpr std::size_t kSize = 256 << 10;
constexpr std::size_t kBlock = 4096;

enum class Medium { Buffered, Tmpfs, Direct, Memory };

struct Way {
    const char* name;
    Medium medium;
    Engine engine;
};

std::ostream& operator<<(std::ostream& stream, const Way& way) {
    return stream << way.name;
}

// Every kind of device by every way that its requests can go; all of them behave alike.
class EveryBlockQueue : public testing::TestWithParam<Way> {
  protected:
    void SetUp() override {
        if (!harness) GTEST_SKIP() << harness.error->message;
        if (GetParam().medium == Medium::Direct) {
            ASSERT_EQ(harness.queue().engineName(), GetParam().name);
        }
        auto opened = GetParam().medium == Medium::Memory ? memoryDevice() : openFile({});
        if (!opened && opened.error().code == ErrorCode::Unsupported) GTEST_SKIP() << opened.error().message;
        ASSERT_TRUE(opened) << opened.error().message;
        device = std::move(*opened);
    }

    Result<std::shared_ptr<BlockDevice>> memoryDevice() const {
        auto made = makeMemoryDevice("ram0", kSize);
        if (made) std::ranges::copy(content, (*made)->memory().begin());
        return made;
    }

    Result<std::shared_ptr<BlockDevice>> openFile(FileDeviceOptions options) {
        if (GetParam().medium == Medium::Tmpfs && !std::filesystem::exists("/dev/shm"))
            return std::unexpected(Error{ErrorCode::Unsupported, "there is no /dev/shm"});
        if (!file) file.emplace("block-queue", kSize, 1, GetParam().medium == Medium::Tmpfs ? "/dev/shm/" : "");
        options.direct = GetParam().medium == Medium::Direct;
        return openFileDevice(file->path, options);
    }

    // Compares all of the device with what it should hold.
    void expectContent() {
        AlignedMemory all(kSize);
        ASSERT_EQ(harness.read(*device, 0, all.span()), 0);
        EXPECT_TRUE(std::ranges::equal(all.span(), content));
    }

    int zero(Kind kind, std::uint64_t offset, std::uint64_t length, bool may_unmap, bool durable = false) {
        return harness.run({.kind = kind,
                            .durable = durable,
                            .may_unmap = may_unmap,
                            .device = device.get(),
                            .offset = offset,
                            .length = length});
    }

    std::vector<std::byte> content = patternOf(kSize, 1);
    BlockHarness harness{{.engine = GetParam().engine, .depth = 8, .workers = 2}};
    std::optional<PatternFile> file;
    std::shared_ptr<BlockDevice> device;
};

class EveryFileQueue : public EveryBlockQueue {};

const auto kFiles =
    testing::Values(Way{"buffered", Medium::Buffered, Engine::Auto}, Way{"tmpfs", Medium::Tmpfs, Engine::Auto},
                    Way{"libaio", Medium::Direct, Engine::Aio}, Way{"io_uring", Medium::Direct, Engine::Uring},
                    Way{"threads", Medium::Direct, Engine::Threads});
const auto kNameOfWay = [](const auto& way) { return way.param.name; };

INSTANTIATE_TEST_SUITE_P(Files, EveryBlockQueue, kFiles, kNameOfWay);
INSTANTIATE_TEST_SUITE_P(Memory, EveryBlockQueue, testing::Values(Way{"memory", Medium::Memory, Engine::Auto}),
                         kNameOfWay);
INSTANTIATE_TEST_SUITE_P(Files, EveryFileQueue, kFiles, kNameOfWay);

TEST_P(EveryBlockQueue, ReadsWhatIsThere) {
    for (const auto& [offset, length] : {std::pair{0UZ, kBlock},
                                         {kBlock, kBlock},
                                         {3 * kBlock, 20 * kBlock},
                                         {kSize - kBlock, kBlock},
                                         {0UZ, kSize}}) {
        AlignedMemory memory(length);
        ASSERT_EQ(harness.read(*device, offset, memory.span()), 0);
        EXPECT_TRUE(std::ranges::equal(memory.span(), std::span(content).subspan(offset, length))) << offset;
    }
    EXPECT_EQ(harness.queue().inFlight(), 0);
}

TEST_P(EveryBlockQueue, WritesAndLeavesTheRestAlone) {
    std::uint32_t seed = 2;
    for (const bool durable : {false, true}) {
        for (const auto& [offset, length] :
             {std::pair{0UZ, kBlock}, {5 * kBlock, 3 * kBlock}, {kSize - kBlock, kBlock}}) {
            AlignedMemory memory(patternOf(length, ++seed));
            ASSERT_EQ(harness.write(*device, offset, memory.span(), durable), 0);
            std::ranges::copy(memory.span(), content.begin() + static_cast<std::ptrdiff_t>(offset));
        }
        expectContent();
    }
}

TEST_P(EveryBlockQueue, MovesOddRangesUnlessItIsDirect) {
    const int expected = device->isDirect() ? EINVAL : 0;
    AlignedMemory memory(2 * kBlock);
    for (const auto& [offset, length] : {std::pair{1UZ, kBlock}, {100UZ, kBlock + 1}, {0UZ, 1UZ}, {kSize - 1, 1UZ}}) {
        const auto part = memory.span().first(length);
        ASSERT_EQ(harness.read(*device, offset, part), expected) << offset;
        EXPECT_TRUE(expected != 0 || std::ranges::equal(part, std::span(content).subspan(offset, length))) << offset;
        ASSERT_EQ(harness.write(*device, offset, part), expected) << offset;
    }
    expectContent();
}

TEST_P(EveryBlockQueue, RefusesMemoryThatTheDeviceCannotUse) {
    AlignedMemory memory(2 * kBlock);
    EXPECT_EQ(harness.read(*device, 0, memory.span().subspan(1, kBlock)), device->memoryAlignment() > 1 ? EINVAL : 0);
    EXPECT_EQ(harness.read(*device, 0, memory.span().subspan(device->memoryAlignment(), kBlock)), 0);
}

TEST_P(EveryBlockQueue, EndsWhereTheDeviceEnds) {
    AlignedMemory memory(2 * kBlock);
    constexpr auto kGreatest = std::numeric_limits<std::uint64_t>::max();
    for (const auto& [offset, length] : {std::pair<std::uint64_t, std::uint64_t>{kSize, kBlock},
                                         {kSize - kBlock, 2 * kBlock},
                                         {kGreatest - kBlock + 1, kBlock},
                                         {kGreatest - kBlock + 1, 2 * kBlock},
                                         {0, kGreatest - kBlock + 1}}) {
        for (const Kind kind : {Kind::Read, Kind::Write, Kind::Discard, Kind::WriteZeroes}) {
            EXPECT_EQ(
                harness.run(
                    {.kind = kind, .device = device.get(), .offset = offset, .length = length, .data = memory.data()}),
                EINVAL);
        }
    }
    EXPECT_EQ(harness.run({.device = device.get(), .offset = kSize, .data = memory.data()}),
              0);  // Nothing, at the end.
    expectContent();
}

TEST_P(EveryBlockQueue, FlushesWhatWasWritten) {
    AlignedMemory memory(patternOf(kBlock, 9));
    ASSERT_EQ(harness.write(*device, kBlock, memory.span()), 0);
    EXPECT_EQ(harness.run({.kind = Kind::Flush, .device = device.get()}), 0);
}

TEST_P(EveryBlockQueue, ZeroesARangeAndLeavesTheRestAlone) {
    const std::size_t block = device->isDirect() ? kBlock : 1000;
    std::size_t offset = block;
    for (const bool may_unmap : {false, true}) {
        for (const bool durable : {false, true}) {
            for (const std::size_t blocks : {1, 9}) {
                ASSERT_EQ(zero(Kind::WriteZeroes, offset, blocks * block, may_unmap, durable), 0);
                std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(offset), blocks * block, std::byte{0});
                offset += (blocks - 1) * block;
            }
        }
    }
    expectContent();
}

TEST_P(EveryBlockQueue, DiscardsARangeAndLeavesTheRestAlone) {
    ASSERT_EQ(zero(Kind::Discard, 8 * kBlock, 32 * kBlock, false), 0);
    AlignedMemory all(kSize);
    ASSERT_EQ(harness.read(*device, 0, all.span()), 0);
    for (std::size_t i = 0; i < kSize; ++i) {
        const bool discarded = i >= 8 * kBlock && i < 40 * kBlock;
        ASSERT_TRUE(all.span()[i] == content[i] || (discarded && all.span()[i] == std::byte{0})) << i;
    }
}

TEST_P(EveryBlockQueue, TakesMoreRequestsThanTheKernelMayHave) {
    constexpr std::size_t kRequests = 500;
    AlignedMemory memory(kRequests * kBlock);
    std::vector<Issued> issued(kRequests);
    for (std::size_t i = 0; i < kRequests; ++i) {
        issued[i].request = {.device = device.get(),
                             .offset = i * 7 % (kSize / kBlock) * kBlock,
                             .length = kBlock,
                             .data = memory.data() + i * kBlock};
        harness.submit(issued[i]);
    }
    harness.runToTheEnd();
    for (const Issued& one : issued) {
        ASSERT_EQ(one.end, 0);
        ASSERT_TRUE(std::ranges::equal(std::span(one.request.data, kBlock),
                                       std::span(content).subspan(one.request.offset, kBlock)));
    }
}

TEST_P(EveryBlockQueue, TakesRequestsFromWithinDone) {
    struct Chain {
        BlockHarness& harness;
        int left = 50;
        int error = 0;
        void ended(BlockRequest& request, int number) {
            error = number;
            // Those that end at once need no further call.
            while (error == 0 && --left > 0) {
                request.offset = static_cast<std::uint64_t>(left) * kBlock;
                const auto end = harness.queue().submit(request);
                if (!end) return;
                error = *end;
            }
        }
    } chain{harness};
    AlignedMemory memory(kBlock);
    BlockRequest request{
        .device = device.get(),
        .length = kBlock,
        .data = memory.data(),
        .done = [](BlockRequest& ended, int error) { static_cast<Chain*>(ended.context)->ended(ended, error); },
        .context = &chain};
    if (const auto end = harness.queue().submit(request)) chain.ended(request, *end);
    harness.runToTheEnd();
    EXPECT_EQ(chain.left, 0);
    EXPECT_EQ(chain.error, 0);
}

TEST_P(EveryFileQueue, WritesNothingToWhatMayOnlyBeRead) {
    auto opened = openFile({.read_only = true});
    ASSERT_TRUE(opened) << opened.error().message;
    AlignedMemory memory(kBlock);
    EXPECT_EQ(harness.read(**opened, 0, memory.span()), 0);
    EXPECT_EQ(harness.write(**opened, 0, memory.span()), EROFS);
    EXPECT_EQ(harness.run({.kind = Kind::Discard, .device = opened->get(), .length = kBlock}), EROFS);
    EXPECT_EQ(harness.run({.kind = Kind::WriteZeroes, .device = opened->get(), .length = kBlock}), EROFS);
    EXPECT_EQ(harness.run({.kind = Kind::Flush, .device = opened->get()}), 0);
    expectContent();
}

TEST_P(EveryFileQueue, FailsOnlyWhatLiesBeyondAFilesNewEnd) {
    const PatternFile other_file("neighbour", kSize, 5);
    const auto other = openFileDevice(other_file.path, {});
    ASSERT_TRUE(other) << other.error().message;
    ASSERT_EQ(::truncate(file->path.c_str(), 10 * kBlock), 0);
    AlignedMemory memory(4 * kBlock);
    EXPECT_EQ(harness.read(*device, 6 * kBlock, memory.span()), 0);
    EXPECT_TRUE(std::ranges::equal(memory.span(), std::span(content).subspan(6 * kBlock, 4 * kBlock)));
    EXPECT_EQ(harness.read(*device, 20 * kBlock, memory.span()), EIO);
    EXPECT_EQ(harness.read(*device, 8 * kBlock, memory.span()), EIO);  // Half of it.
    EXPECT_EQ(harness.read(**other, 20 * kBlock, memory.span()), 0);
    EXPECT_TRUE(std::ranges::equal(memory.span(), std::span(other_file.content).subspan(20 * kBlock, 4 * kBlock)));
}

TEST_P(EveryFileQueue, ReadsWhatIsNotInThePageCache) {
    AlignedMemory memory(kSize);
    for (std::size_t cached = 0; cached <= kSize; cached += 16 * kBlock) {
        // All of it goes, the beginning comes back.
        ASSERT_EQ(harness.run({.kind = Kind::Flush, .device = device.get()}), 0);
        ::posix_fadvise(device->descriptor(), 0, 0, POSIX_FADV_DONTNEED);
        ASSERT_EQ(harness.read(*device, 0, memory.span().first(cached)), 0);
        expectContent();
    }
}

}  // namespace
}  // namespace mc::io
