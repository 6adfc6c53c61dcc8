// Devices that fail, hang or are full, and their neighbours.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <latch>
#include <thread>

#include "block_harness.h"
#include "io/file_device.h"

namespace mc::io {
namespace {

using Engine = BlockQueueOptions::Engine;
using Kind = BlockRequest::Kind;
using test::AlignedMemory;
using test::BlockHarness;
using test::Issued;
using test::PatternFile;

constexpr std::size_t kBlock = 4096;

// Carries nothing out until it is let go.
class HangingDevice : public BlockDevice {
  public:
    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return 1 << 20; }
    std::uint32_t blockSize() const override { return kBlock; }
    std::optional<int> tryNow(BlockRequest& /*request*/) override { return std::nullopt; }
    int carryOut(BlockRequest& /*request*/) override {
        let_go_.wait();
        return EIO;
    }
    void letGo() { let_go_.count_down(); }

  private:
    std::string name_ = "hanging";
    std::latch let_go_{1};
};

// Counts how many write at once.
class CountingDevice : public BlockDevice {
  public:
    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return 1 << 20; }
    std::uint32_t blockSize() const override { return kBlock; }
    bool writesExclude() const override { return true; }
    std::optional<int> tryNow(BlockRequest& /*request*/) override { return std::nullopt; }
    int carryOut(BlockRequest& request) override {
        if (request.kind != Kind::Write) return 0;
        const int now = ++writing_;
        most = std::max(most.load(), now);
        std::this_thread::yield();
        --writing_;
        return 0;
    }

    std::atomic<int> most = 0;

  private:
    std::string name_ = "counting";
    std::atomic<int> writing_ = 0;
};

// A request to each of them, which waits for the workers.
std::vector<Issued> flushesOf(const auto& devices, std::size_t for_each) {
    std::vector<Issued> issued;
    for (const auto& device : devices) {
        for (std::size_t i = 0; i < for_each; ++i)
            issued.push_back({{.kind = Kind::Flush, .device = &*device}, {}});
    }
    return issued;
}

// The kernel tells one descriptor once that writes were lost. A pipe can't be flushed; what takes its place can.
TEST(FlushThatFailed, FailsForAllOthersUnlessNothingWasCached) {
    for (const bool direct : {false, true}) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        const FileDescriptor other(ends[0]);
        FileDevice device("lost", FileDescriptor(ends[1]), {.size = kBlock, .block_size = kBlock, .direct = direct});
        BlockRequest flush{.kind = Kind::Flush, .device = &device};
        EXPECT_EQ(device.carryOut(flush), EINVAL);
        const PatternFile healthy("healthy", kBlock);
        const FileDescriptor file(::open(healthy.path.c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_GE(::dup3(file.get(), device.descriptor(), O_CLOEXEC), 0);
        const int expected = direct ? 0 : EINVAL;
        EXPECT_EQ(device.carryOut(flush), expected);
        AlignedMemory data(kBlock);
        BlockRequest write{.kind = Kind::Write, .device = &device, .length = kBlock, .data = data.data()};
        EXPECT_EQ(device.carryOut(write), 0);
        write.durable = true;
        write.moved = 0;
        EXPECT_EQ(device.carryOut(write), expected);
        BlockRequest zeroes{.kind = Kind::WriteZeroes, .durable = true, .device = &device, .length = kBlock};
        EXPECT_EQ(device.carryOut(zeroes), expected);
    }
}

TEST(BlockFaults, DevicesThatHangDelayNoOthers) {
    BlockHarness harness({.workers = 2});
    ASSERT_TRUE(harness) << harness.error->message;
    const PatternFile file("beside", kBlock);
    const auto device = openFileDevice(file.path, {});
    ASSERT_TRUE(device) << device.error().message;
    std::vector<std::unique_ptr<HangingDevice>> hanging;
    for (int i = 0; i < 5; ++i)
        hanging.push_back(std::make_unique<HangingDevice>());
    auto held = flushesOf(hanging, 10);
    for (Issued& one : held)
        harness.submit(one);
    harness.queue().flush();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(harness.run({.kind = Kind::Flush, .device = device->get()}), 0);
    EXPECT_EQ(harness.queue().inFlight(), held.size());
    EXPECT_TRUE(std::ranges::none_of(held, [](const Issued& one) { return one.end.has_value(); }));
    for (const auto& one : hanging)
        one->letGo();
    harness.runToTheEnd();
    EXPECT_TRUE(std::ranges::all_of(held, [](const Issued& one) { return one.end == EIO; }));
}

TEST(BlockFaults, OneThatHangsLeavesAWorkerToTheOthersAtOnce) {
    BlockHarness harness({.workers = 4});
    ASSERT_TRUE(harness) << harness.error->message;
    std::array<std::unique_ptr<HangingDevice>, 1> hanging{std::make_unique<HangingDevice>()};
    auto held = flushesOf(hanging, 100);
    for (Issued& one : held)
        harness.submit(one);
    harness.queue().flush();
    const PatternFile file("beside", kBlock);
    const auto device = openFileDevice(file.path, {});
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ(harness.run({.kind = Kind::Flush, .device = device->get()}), 0);
    hanging[0]->letGo();
    harness.runToTheEnd();
}

TEST(BlockQueueWorkers, CarryOutOneWriteAtATimeWhereWritesExclude) {
    BlockHarness harness({.workers = 4});
    ASSERT_TRUE(harness) << harness.error->message;
    CountingDevice device;
    std::vector<std::byte> block(kBlock);
    std::vector<Issued> issued;
    for (int i = 0; i < 500; ++i) {
        issued.push_back({{.kind = i % 10 == 0 ? Kind::Flush : Kind::Write,
                           .device = &device,
                           .length = kBlock,
                           .data = block.data()},
                          {}});
    }
    for (Issued& one : issued)
        harness.submit(one);
    harness.runToTheEnd();
    EXPECT_TRUE(std::ranges::all_of(issued, [](const Issued& one) { return one.end == 0; }));
    EXPECT_EQ(device.most, 1);
}

TEST(BlockFaults, ManyDevicesShareAQueue) {
    for (const Engine engine : {Engine::Aio, Engine::Uring, Engine::Threads}) {
        BlockHarness harness({.engine = engine, .depth = 64, .workers = 2});
        if (!harness) continue;  // That it is missing, other tests tell.
        std::vector<std::unique_ptr<PatternFile>> files;
        std::vector<std::shared_ptr<BlockDevice>> devices;
        for (std::uint32_t i = 0; i < 256; ++i) {
            files.push_back(std::make_unique<PatternFile>("many" + std::to_string(i), 2 * kBlock, i));
            auto device = openFileDevice(files.back()->path, {.direct = i % 2 == 0});
            if (!device && device.error().code == ErrorCode::Unsupported)
                device = openFileDevice(files.back()->path, {});
            ASSERT_TRUE(device) << device.error().message;
            devices.push_back(*device);
        }
        ASSERT_EQ(::truncate(files[100]->path.c_str(), kBlock), 0);
        AlignedMemory memory(devices.size() * 2 * kBlock);
        std::vector<Issued> issued(devices.size() * 2);
        for (std::size_t i = 0; i < issued.size(); ++i) {
            issued[i].request = {.device = devices[i / 2].get(),
                                 .offset = i % 2 * kBlock,
                                 .length = kBlock,
                                 .data = memory.data() + i * kBlock};
            harness.submit(issued[i]);
        }
        harness.runToTheEnd();
        for (std::size_t i = 0; i < issued.size(); ++i) {
            if (i == 201) {
                EXPECT_EQ(issued[i].end, EIO);
                continue;
            }
            ASSERT_EQ(issued[i].end, 0) << i;
            ASSERT_TRUE(std::ranges::equal(memory.span().subspan(i * kBlock, kBlock),
                                           std::span(files[i / 2]->content).subspan(i % 2 * kBlock, kBlock)))
                << i;
        }
    }
}

// What a file may be long in this process.
class FileLimit {
  public:
    explicit FileLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &saved_);
        rlimit low = saved_;
        low.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &low);
    }
    FileLimit(const FileLimit&) = delete;
    FileLimit& operator=(const FileLimit&) = delete;
    ~FileLimit() {
        ::setrlimit(RLIMIT_FSIZE, &saved_);
        std::signal(SIGXFSZ, before_);
    }

  private:
    rlimit saved_{};
    void (*before_)(int);
};

TEST(BlockFaults, TellsThatAFileIsTooLong) {
    const PatternFile file("limit", 4 * kBlock);
    for (const bool direct : {false, true}) {
        const auto device = openFileDevice(file.path, {.direct = direct});
        if (!device && device.error().code == ErrorCode::Unsupported) continue;
        ASSERT_TRUE(device) << device.error().message;
        for (const Engine engine : {Engine::Aio, Engine::Uring, Engine::Threads}) {
            BlockHarness harness({.engine = engine});
            if (!harness) continue;
            const FileLimit limit(2 * kBlock);
            AlignedMemory memory(kBlock);
            EXPECT_EQ(harness.write(**device, kBlock, memory.span()), 0);
            EXPECT_EQ(harness.write(**device, 2 * kBlock, memory.span()), EFBIG);
            EXPECT_EQ(harness.write(**device, kBlock, memory.span()), 0);
        }
    }
}

// A file system of 64 KiB that this thread alone sees.
class SmallFileSystem {
  public:
    SmallFileSystem() : path(test::temporaryPath("small")) {
        std::filesystem::create_directories(path);
        mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k") == 0;
        reason = std::strerror(errno);
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;
    ~SmallFileSystem() {
        if (mounted) ::umount2(path.c_str(), MNT_DETACH);
        std::filesystem::remove(path);
    }

    const std::string path;
    bool mounted = false;
    std::string reason;
};

TEST(BlockFaults, TellsThatAFileSystemIsFull) {
    std::string skipped;
    // In a thread of its own, because that leaves the view of file systems that others have.
    std::jthread([&] {
        const SmallFileSystem small;
        if (!small.mounted) {
            skipped = small.reason;
            return;
        }
        const std::string path = small.path + "/sparse";
        {
            const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
            ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
        }
        const auto device = openFileDevice(path, {});
        ASSERT_TRUE(device) << device.error().message;
        BlockHarness harness;
        ASSERT_TRUE(harness) << harness.error->message;
        AlignedMemory memory(8 * kBlock);
        EXPECT_EQ(harness.write(**device, 0, memory.span()), 0);
        AlignedMemory more(16 * kBlock);
        EXPECT_EQ(harness.write(**device, 8 * kBlock, more.span()), ENOSPC);
        EXPECT_EQ(harness.write(**device, 24 * kBlock, more.span(), true), ENOSPC);  // By a worker.
        EXPECT_EQ(
            harness.run(
                {.kind = Kind::WriteZeroes, .device = device->get(), .offset = 40 * kBlock, .length = 16 * kBlock}),
            ENOSPC);
        EXPECT_EQ(harness.run({.kind = Kind::Discard, .device = device->get(), .length = 1 << 20}), 0);
        EXPECT_EQ(harness.write(**device, 100 * kBlock, memory.span()), 0);  // There is room again.
    }).join();
    if (!skipped.empty()) GTEST_SKIP() << "no file system can be mounted here: " << skipped;
}

TEST(BlockQueueEngines, SayWhichTheyAre) {
    const BlockHarness automatic;
    ASSERT_TRUE(automatic) << automatic.error->message;
    BlockHarness threads({.engine = Engine::Threads});
    ASSERT_TRUE(threads) << threads.error->message;
    EXPECT_EQ(threads.queue().engineName(), "threads");
}

TEST(BlockQueueEngines, RefuseADepthThatIsNone) {
    for (const unsigned depth : {0U, 1U << 20}) {
        const BlockHarness harness({.depth = depth});
        ASSERT_FALSE(harness) << depth;
        EXPECT_EQ(harness.error->code, ErrorCode::InvalidArgument);
    }
}

TEST(BlockQueueEngines, EndWithNothingToDo) {
    for (const Engine engine : {Engine::Auto, Engine::Aio, Engine::Uring, Engine::Threads}) {
        BlockHarness harness({.engine = engine});
        if (!harness) continue;
        harness.queue().flush();
        harness.loop().runOnce(SteadyClock::time_point());
        EXPECT_EQ(harness.queue().inFlight(), 0);
    }
}

}  // namespace
}  // namespace mc::io
