#include "control/control_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <thread>

#include "control/fixture.h"
#include "control/unix_address.h"

namespace mc::control {
namespace {

using testing::HasSubstr;

class ControlSocketTest : public testing::Test {
  protected:
    ~ControlSocketTest() override { std::filesystem::remove_all(directory_); }
    /// What a process that was killed leaves.
    void leaveStaleSocket() const {
        std::filesystem::create_directories(directory_);
        const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = unixAddress(path_).value();
        ASSERT_EQ(::bind(socket.get(), asSocketAddress(address), sizeof(address)), 0);
        ASSERT_EQ(::listen(socket.get(), 1), 0);
    }
    const std::filesystem::path directory_ = mc::test::temporaryPath("socket");
    const std::filesystem::path path_ = directory_ / "t.sock";
};

TEST_F(ControlSocketTest, IsWhereTheUsersOtherSocketsAre) {
    EXPECT_EQ(socketDirectory(0, "/run/user/0"), "/run/mc-target");
    EXPECT_EQ(socketDirectory(1000, "/run/user/1000"), "/run/user/1000/mc-target");
    EXPECT_EQ(socketDirectory(1000, ""), "/tmp/mc-target-1000");
    EXPECT_EQ(socketPath("/run/mc-target", "10.0.0.1:12345"), "/run/mc-target/10.0.0.1:12345.sock");
    EXPECT_EQ(socketPath("/d", "../[::1]:1"), "/d/..%2F[::1]:1.sock");
}

TEST_F(ControlSocketTest, IsForItsOwnerOnlyAndGoesWithItsObject) {
    {
        const auto socket = ControlSocket::bind(path_);
        ASSERT_TRUE(socket) << socket.error().message;
        struct stat found{};
        ASSERT_EQ(::lstat(path_.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777, 0600);
        ASSERT_EQ(::lstat(directory_.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777, 0700);
        EXPECT_TRUE(test::RawClient(path_).connected());
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlSocketTest, ReplacesWhatAKilledProcessHasLeft) {
    leaveStaleSocket();
    ASSERT_FALSE(test::RawClient(path_).connected());
    const auto socket = ControlSocket::bind(path_);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE(test::RawClient(path_).connected());
}

TEST_F(ControlSocketTest, RefusesTheOneOfALiveProcess) {
    const auto first = ControlSocket::bind(path_);
    ASSERT_TRUE(first);
    const auto second = ControlSocket::bind(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid()) + " listens there"));
    EXPECT_TRUE(test::RawClient(path_).connected());
}

TEST_F(ControlSocketTest, OfSeveralThatStartAtOnceOneHasIt) {
    leaveStaleSocket();
    std::mutex mutex;
    std::vector<ControlSocket> bound;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                auto socket = ControlSocket::bind(path_);
                const std::lock_guard lock(mutex);
                if (socket) bound.push_back(std::move(*socket));
            });
        }
    }
    EXPECT_EQ(bound.size(), 1);
    EXPECT_TRUE(test::RawClient(path_).connected());
}

TEST_F(ControlSocketTest, IsNotPutWhereOthersCouldReplaceIt) {
    std::filesystem::create_directories(directory_);
    ASSERT_EQ(::chmod(directory_.c_str(), 01777), 0);
    const auto inside = directory_ / "mc-target-1";
    ASSERT_EQ(::mkdir(inside.c_str(), 0700), 0);
    EXPECT_TRUE(ControlSocket::bind(inside / "t.sock"));
    ASSERT_EQ(::chmod(inside.c_str(), 0770), 0);
    const auto open = ControlSocket::bind(inside / "t.sock");
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, ErrorCode::NotPermitted);
    const auto link = directory_ / "mc-target-2";
    std::filesystem::create_directory_symlink(inside, link);
    EXPECT_FALSE(expectOwnDirectory(link));
    EXPECT_TRUE(expectOwnDirectory(directory_ / "missing"));
}

TEST_F(ControlSocketTest, LeavesOtherFilesAlone) {
    std::filesystem::create_directories(directory_);
    std::ofstream(path_) << "precious";
    const auto socket = ControlSocket::bind(path_);
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().code, ErrorCode::CannotCreate);
    EXPECT_EQ(std::filesystem::file_size(path_), 8);
}

TEST_F(ControlSocketTest, DoesNotRemoveTheSocketOfItsSuccessor) {
    auto first = ControlSocket::bind(path_);
    ASSERT_TRUE(first);
    std::filesystem::remove(path_);
    const auto second = ControlSocket::bind(path_);
    ASSERT_TRUE(second);
    {
        const ControlSocket gone = std::move(*first);
    }
    EXPECT_TRUE(test::RawClient(path_).connected());
}

TEST_F(ControlSocketTest, TellsWhyAPathIsNone) {
    const auto longer = ControlSocket::bind(directory_ / std::string(200, 'x'));
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(longer.error().message, HasSubstr("1 to 107 bytes"));
    EXPECT_EQ(ControlSocket::bind("").error().code, ErrorCode::InvalidArgument);
    const auto missing = ControlSocket::bind(directory_ / "a/b/t.sock");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace mc::control
