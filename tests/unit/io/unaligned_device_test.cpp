#include "io/unaligned_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "block_harness.h"

namespace mc::io {
namespace {

using Kind = BlockRequest::Kind;
namespace test = mc::test;
constexpr std::uint32_t kBlock = 512;

/// Takes what a device takes that is open with O_DIRECT, and nothing else.
class StrictDevice : public BlockDevice {
  public:
    explicit StrictDevice(std::size_t size) : content(test::patternOf(size, 7)) {}
    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return content.size(); }
    std::uint32_t blockSize() const override { return kBlock; }
    std::uint32_t memoryAlignment() const override { return kBlock; }
    bool isDirect() const override { return true; }
    std::optional<int> tryNow(BlockRequest& /*request*/) override { return std::nullopt; }
    int carryOut(BlockRequest& request) override {
        if (request.offset % kBlock != 0 || request.length % kBlock != 0 ||
            reinterpret_cast<std::uintptr_t>(request.data) % kBlock != 0 ||
            request.offset + request.length > content.size())
            return EINVAL;
        if (failing) return EIO;
        std::byte* const at = content.data() + request.offset;
        if (request.kind == Kind::Read) std::memcpy(request.data, at, request.length);
        std::this_thread::yield();  // Others may come between a read and a write.
        if (request.kind == Kind::Write) std::memcpy(at, request.data, request.length);
        written += request.kind == Kind::Write ? request.length : 0;
        return 0;
    }

    std::vector<std::byte> content;
    std::atomic<std::uint64_t> written = 0;
    bool failing = false;

  private:
    std::string name_ = "strict";
};

class UnalignedDevices : public ::testing::Test {
  protected:
    int move(Kind kind, std::uint64_t offset, std::span<std::byte> data) { return move(kind, offset, data, device_); }
    static int move(Kind kind, std::uint64_t offset, std::span<std::byte> data, UnalignedDevice& device) {
        BlockRequest request{
            .kind = kind, .device = &device, .offset = offset, .length = data.size(), .data = data.data()};
        return device.carryOut(request);
    }

    std::shared_ptr<StrictDevice> strict_ = std::make_shared<StrictDevice>(4 << 20);
    UnalignedDevice device_{strict_};
};

TEST_F(UnalignedDevices, MoveAnyRangeFromAndToAnyMemory) {
    auto expected = strict_->content;
    std::uint32_t seed = 1;
    for (const std::uint64_t offset : {0, 1, 100, 511, 512, 513, 4096, 1 << 20, (1 << 20) - 3}) {
        for (const std::size_t length : {1, 2, 411, 412, 511, 512, 513, 1024, 1500, 4096, 3 << 20, (1 << 20) + 1}) {
            if (offset + length > expected.size()) continue;
            auto data = test::patternOf(length + 1, ++seed);
            const auto odd = std::span(data).subspan(1);
            ASSERT_EQ(move(Kind::Write, offset, odd), 0) << offset << " " << length;
            std::memcpy(expected.data() + offset, odd.data(), length);
            ASSERT_EQ(strict_->content, expected) << offset << " " << length;
            std::vector<std::byte> read(length + 1);
            ASSERT_EQ(move(Kind::Read, offset, std::span(read).subspan(1)), 0);
            ASSERT_EQ(std::memcmp(read.data() + 1, odd.data(), length), 0) << offset << " " << length;
        }
    }
}

TEST_F(UnalignedDevices, ReachTheLastByte) {
    std::vector<std::byte> last(5);
    ASSERT_EQ(move(Kind::Read, strict_->size() - 5, last), 0);
    EXPECT_EQ(std::memcmp(last.data(), strict_->content.data() + strict_->size() - 5, 5), 0);
    test::BlockHarness queue;
    EXPECT_EQ(queue.read(device_, strict_->size() - 4, last), EINVAL);
    EXPECT_EQ(queue.write(device_, strict_->size() - 5, last), 0);
}

TEST_F(UnalignedDevices, WriteNoMoreThanTheBlocksOfARange) {
    std::vector<std::byte> data(kBlock + 2);
    ASSERT_EQ(move(Kind::Write, kBlock - 1, data), 0);
    EXPECT_EQ(strict_->written, 3 * kBlock);
}

TEST_F(UnalignedDevices, TellTheDevicesErrors) {
    strict_->failing = true;
    std::vector<std::byte> data(10);
    EXPECT_EQ(move(Kind::Read, 0, data), EIO);
    EXPECT_EQ(move(Kind::Write, 0, data), EIO);
    EXPECT_EQ(move(Kind::Write, 505, data), EIO);
    EXPECT_EQ(strict_->written, 0U);
    BlockRequest discard{.kind = Kind::Discard, .device = &device_, .length = 512};
    EXPECT_EQ(device_.carryOut(discard), EOPNOTSUPP);
}

TEST_F(UnalignedDevices, NeighboursInABlockDoNotOverwriteEachOther) {
    UnalignedDevice view(strict_, device_);
    constexpr std::size_t kPart = 300;  // Several in a block, and some in two.
    constexpr int kThreads = 4;
    constexpr int kRounds = 200;
    std::vector<std::vector<std::byte>> parts;
    for (int i = 0; i < kThreads; ++i)
        parts.push_back(test::patternOf(kPart, static_cast<std::uint32_t>(i) + 20));
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            threads.emplace_back([&, i] {
                for (int round = 0; round < kRounds; ++round)
                    EXPECT_EQ(move(Kind::Write, 10 + i * kPart, parts[i], i % 2 == 0 ? device_ : view), 0);
            });
        }
    }
    for (std::size_t i = 0; i < parts.size(); ++i)
        EXPECT_EQ(std::memcmp(strict_->content.data() + 10 + i * kPart, parts[i].data(), kPart), 0) << i;
}

}  // namespace
}  // namespace mc::io
