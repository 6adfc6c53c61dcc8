#include "io/block_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "block_harness.h"
#include "io/signature.h"

namespace mc::io {
namespace {

using test::PatternFile;
using testing::HasSubstr;

TEST(FileDevice, OffersAllOfAFileInBlocks) {
    const PatternFile file("whole", 64 << 10);
    const auto device = openFileDevice(file.path, {});
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ((*device)->name(), file.path);
    EXPECT_EQ((*device)->size(), 64 << 10);
    EXPECT_EQ((*device)->blockSize(), 4096);
    EXPECT_EQ((*device)->memoryAlignment(), 1);
    EXPECT_FALSE((*device)->isReadOnly());
    EXPECT_FALSE((*device)->isDirect());
    EXPECT_GE((*device)->descriptor(), 0);
    EXPECT_TRUE((*device)->memory().empty());
}

TEST(FileDevice, OffersTheBeginningOfAFile) {
    const PatternFile file("part", 64 << 10);
    const auto device = openFileDevice(file.path, {.size = 12 << 10});
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ((*device)->size(), 12 << 10);
}

TEST(FileDevice, RefusesMoreThanTheFileHas) {
    const PatternFile file("short", 8192);
    const auto device = openFileDevice(file.path, {.size = 8193});
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(device.error().message, AllOf(HasSubstr(file.path), HasSubstr("8192")));
}

TEST(FileDevice, KeepsOddSizesUnlessItIsDirect) {
    const PatternFile file("odd", 10'000);
    const auto buffered = openFileDevice(file.path, {});
    ASSERT_TRUE(buffered) << buffered.error().message;
    EXPECT_EQ((*buffered)->size(), 10'000);
    EXPECT_EQ((*buffered)->blockSize(), 512);
    const auto direct = openFileDevice(file.path, {.direct = true});
    if (!direct && direct.error().code == ErrorCode::Unsupported) GTEST_SKIP() << direct.error().message;
    ASSERT_TRUE(direct) << direct.error().message;
    EXPECT_EQ((*direct)->size(), 10'000 / (*direct)->blockSize() * (*direct)->blockSize());
    EXPECT_LT((*direct)->size(), 10'000);
    EXPECT_TRUE((*direct)->isDirect());
    EXPECT_GE((*direct)->memoryAlignment(), 1);
}

TEST(FileDevice, HasNoDirectBlockInATinyFile) {
    const PatternFile file("tiny", 100);
    const auto direct = openFileDevice(file.path, {.direct = true});
    ASSERT_FALSE(direct);
    EXPECT_THAT(direct.error().code, testing::AnyOf(ErrorCode::InvalidArgument, ErrorCode::Unsupported));
}

TEST(FileDevice, NamesWhatItCannotOpen) {
    const auto missing = openFileDevice("/nonexistent/f0", {});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NoInput);
    EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/f0"));
    const auto directory = openFileDevice(testing::TempDir(), {});
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().code, ErrorCode::BadData);
    const auto null_device = openFileDevice("/dev/null", {});
    ASSERT_FALSE(null_device);
    EXPECT_EQ(null_device.error().code, ErrorCode::BadData);
    const PatternFile empty("empty", 0);
    const auto nothing = openFileDevice(empty.path, {});
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, ErrorCode::BadData);
}

TEST(FileDevice, DoesNotWaitForThePipesOtherEnd) {
    const std::string path = test::temporaryPath("pipe");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto device = openFileDevice(path, {});
    std::filesystem::remove(path);
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().code, ErrorCode::BadData);
}

TEST(FileDevice, OpensForReadingWhatMayOnlyBeRead) {
    const PatternFile file("readonly", 4096);
    std::filesystem::permissions(file.path, std::filesystem::perms::owner_read);
    const auto device = openFileDevice(file.path, {.read_only = true});
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_TRUE((*device)->isReadOnly());
    const auto writable = openFileDevice(file.path, {});
    ASSERT_EQ(writable.has_value(), ::geteuid() == 0);  // Root may write to any file.
    if (!writable) {
        EXPECT_EQ(writable.error().code, ErrorCode::NotPermitted);
    }
}

TEST(MemoryDevice, IsZeroedAndInPlace) {
    const auto device = makeMemoryDevice("ram0", 1 << 20);
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ((*device)->name(), "ram0");
    EXPECT_EQ((*device)->size(), 1 << 20);
    EXPECT_EQ((*device)->blockSize(), 4096);
    EXPECT_EQ((*device)->descriptor(), -1);
    ASSERT_EQ((*device)->memory().size(), 1 << 20);
    EXPECT_TRUE(std::ranges::all_of((*device)->memory(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(MemoryDevice, RefusesWhatIsNoWholeBlock) {
    for (const auto& [size, block] :
         {std::pair{0U, 4096U}, {4095U, 4096U}, {4096U, 0U}, {4096U, 256U}, {4096U, 1000U}}) {
        const auto device = makeMemoryDevice("ram0", size, block);
        ASSERT_FALSE(device) << size << " " << block;
        EXPECT_EQ(device.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(device.error().message, HasSubstr("ram0"));
    }
}

// What libblkid looks for; the same function looks at block devices before they are opened.
TEST(Signature, IsFoundWhereSomethingIs) {
    const PatternFile file("signature", 1 << 20);
    {
        std::fstream stream(file.path, std::ios::in | std::ios::out | std::ios::binary);
        const std::string zeros(1 << 20, '\0');
        stream.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
        stream.seekp(0);
        stream.write("LUKS\xba\xbe\0\1", 8);
    }
    const auto found = knownSignature(file.path);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->value_or("nothing"), "crypto_LUKS");
}

TEST(Signature, OfAPartitionTableSaysWhich) {
    const PatternFile file("table", 1 << 20);
    {
        std::string sectors(1 << 20, '\0');
        sectors[446] = '\x80';
        sectors[446 + 4] = '\x83';   // Linux,
        sectors[446 + 8] = '\x08';   // from sector 8,
        sectors[446 + 12] = '\x10';  // 16 of them.
        sectors[510] = '\x55';
        sectors[511] = '\xaa';
        std::ofstream(file.path, std::ios::binary).write(sectors.data(), static_cast<std::streamsize>(sectors.size()));
    }
    const auto found = knownSignature(file.path);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->value_or("nothing"), "a partition table (dos)");
}

TEST(Signature, IsNotFoundInOrdinaryBytes) {
    const PatternFile file("ordinary", 1 << 20);
    const auto found = knownSignature(file.path);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*found, std::nullopt);
}

}  // namespace
}  // namespace mc::io
