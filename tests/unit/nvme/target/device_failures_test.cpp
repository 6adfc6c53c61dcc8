#include "nvme/target/device_failures.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "io/block_device.h"
#include "temporary.h"

namespace mc::nvme {
namespace {

using namespace std::chrono_literals;
using Kind = io::BlockRequest::Kind;

TEST(NvmeDeviceFailures, TheFirstIsToldThenOneInASecond) {
    DeviceFailures failures;
    const SteadyClock::time_point begin = SteadyClock::now();
    EXPECT_EQ(failures.add(Kind::Read, begin), 0);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(failures.add(Kind::Read, begin + i * 999us), std::nullopt);
    }
    EXPECT_EQ(failures.add(Kind::Read, begin + 1s), 1000);
    EXPECT_EQ(failures.add(Kind::Read, begin + 1s), std::nullopt);
    EXPECT_EQ(failures.add(Kind::Read, begin + 1h), 1);
    EXPECT_EQ(failures.add(Kind::Read, begin + 2h), 0);
}

TEST(NvmeDeviceFailures, AFloodOfOneKindHidesNoOther) {
    DeviceFailures failures;
    const SteadyClock::time_point now = SteadyClock::now();
    EXPECT_EQ(failures.add(Kind::Write, now), 0);
    EXPECT_EQ(failures.add(Kind::Write, now), std::nullopt);
    EXPECT_EQ(failures.add(Kind::Read, now), 0);
    EXPECT_EQ(failures.add(Kind::WriteZeroes, now), 0);
}

/// A file of 64 KiB that is served.
class NvmeFailureText : public testing::Test {
  protected:
    void SetUp() override {
        auto opened = io::openFileDevice(file_.path(), {});
        ASSERT_TRUE(opened) << opened.error().message;
        device_ = std::move(*opened);
    }
    std::string describe(Kind kind, int error) const {
        return describeFailure({.kind = kind, .device = device_.get(), .offset = 8192, .length = 4096}, error);
    }

    test::TemporaryFile file_{"failing", 64 << 10};
    std::shared_ptr<io::BlockDevice> device_;
};

TEST_F(NvmeFailureText, NamesTheFileTheRangeAndTheReason) {
    EXPECT_EQ(describe(Kind::Write, ENOSPC),
              file_.path() + ": a write of 4096 bytes at offset 8192 failed: No space left on device");
    EXPECT_EQ(describe(Kind::Read, EIO),
              file_.path() + ": a read of 4096 bytes at offset 8192 failed: Input/output error");
    EXPECT_EQ(describe(Kind::Flush, EIO), file_.path() + ": a flush failed: Input/output error");
}

TEST_F(NvmeFailureText, AFileThatHasBecomeShorterIsToldAsThat) {
    ASSERT_EQ(::truncate(file_.path().c_str(), 10000), 0);
    EXPECT_EQ(
        describe(Kind::Read, EIO),
        file_.path() +
            ": a read of 4096 bytes at offset 8192 failed: the file is shorter than served, 10000 bytes of 65536");
    EXPECT_EQ(describe(Kind::Write, EIO),
              file_.path() + ": a write of 4096 bytes at offset 8192 failed: Input/output error");
    ASSERT_EQ(::truncate(file_.path().c_str(), 8192 + 4096), 0);
    EXPECT_EQ(describe(Kind::Read, EIO),
              file_.path() + ": a read of 4096 bytes at offset 8192 failed: Input/output error");
}

}  // namespace
}  // namespace mc::nvme
