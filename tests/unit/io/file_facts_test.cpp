#include "io/file_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "temporary.h"

namespace mc::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileFactsTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(fs::create_directory(directory_)); }
    void TearDown() override { fs::remove_all(directory_); }

    std::string make(const std::string& name, std::uintmax_t length) {
        std::string path = directory_ + "/" + name;
        std::ofstream(path).flush();
        fs::resize_file(path, length);
        return path;
    }
    static void expectUnfit(const std::string& path, ErrorCode code, std::string_view why) {
        const auto facts = inspectFile(path);
        ASSERT_FALSE(facts) << path;
        EXPECT_EQ(facts.error().code, code) << path;
        EXPECT_THAT(facts.error().message, HasSubstr(std::string(why))) << path;
    }

    std::string directory_ = test::temporaryPath("files");
};

TEST_F(FileFactsTest, HaveTheLengthOfTheFile) {
    const auto facts = inspectFile(make("a b,c", 5'000'000'000));
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->path, directory_ + "/a b,c");
    EXPECT_EQ(facts->length, 5'000'000'000U);
    EXPECT_FALSE(facts->is_block_device);
}

TEST_F(FileFactsTest, KeepLinksButKnowTheSameFile) {
    const std::string file = make("file", 1);
    fs::create_symlink("file", directory_ + "/link");
    fs::create_hard_link(file, directory_ + "/other");
    const auto facts = inspectFile(file).value();
    for (const auto* name : {"/link", "/other"}) {
        const auto same = inspectFile(directory_ + name).value();
        EXPECT_EQ(same.path, directory_ + name);
        EXPECT_EQ(same.device, facts.device);
        EXPECT_EQ(same.inode, facts.inode);
    }
    EXPECT_NE(inspectFile(make("another", 1)).value().inode, facts.inode);
}

TEST_F(FileFactsTest, RefuseWhatIsNoFile) {
    expectUnfit(directory_, ErrorCode::BadData, "is a directory");
    expectUnfit("/dev/null", ErrorCode::BadData, "is a character device");
    ASSERT_EQ(::mkfifo((directory_ + "/pipe").c_str(), 0600), 0);
    expectUnfit(directory_ + "/pipe", ErrorCode::BadData, "is a pipe");
    expectUnfit(make("empty", 0), ErrorCode::BadData, "the file is empty");
    expectUnfit(directory_ + "/none", ErrorCode::NoInput, "No such file");
    expectUnfit(make("file", 1) + "/below", ErrorCode::NoInput, "Not a directory");
    expectUnfit("", ErrorCode::InvalidArgument, "is empty");
    expectUnfit(make("\xff", 1), ErrorCode::BadData, "not UTF-8");
}

// Whether one can be opened here depends on the machine.
TEST_F(FileFactsTest, OfABlockDeviceAreWhatTheKernelSays) {
    for (const auto& entry : fs::directory_iterator("/sys/class/block")) {
        const std::string device = "/dev/" + entry.path().filename().string();
        struct stat status{};
        if (::stat(device.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) continue;
        std::uint64_t sectors = 0;
        std::ifstream(entry.path() / "size") >> sectors;
        const auto facts = inspectFile(device);
        if (facts) {
            EXPECT_TRUE(facts->is_block_device);
            EXPECT_EQ(facts->length, sectors * 512);
            EXPECT_EQ(facts->device, status.st_rdev);
        } else if (facts.error().code == ErrorCode::BadData) {
            EXPECT_EQ(sectors, 0U) << facts.error().message;
        } else {
            EXPECT_THAT(facts.error().message, HasSubstr(device));
        }
    }
}

TEST_F(FileFactsTest, PathsBecomeAbsoluteWithoutALookAtTheFile) {
    EXPECT_EQ(absolutePath("/a//b/./c"), "/a/b/c");
    EXPECT_EQ(absolutePath("/a/../b/"), "/a/../b") << "a may be a link";
    EXPECT_EQ(absolutePath("x/./y"), (fs::current_path() / "x/y").native());
    EXPECT_EQ(absolutePath("/"), "/");
}

}  // namespace
}  // namespace mc::io
