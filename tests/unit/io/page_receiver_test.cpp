#include "io/page_receiver.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mc::io {
namespace {

class PageReceiverTest : public testing::Test {
  protected:
    void SetUp() override {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        sender_.reset(ends[0]);
        receiver_.reset(ends[1]);
        for (std::size_t i = 0; i < memory_.size(); ++i)
            memory_[i] = static_cast<std::byte>(i * 7 + i / 4096);
        if (!pages_.begin(head())) GTEST_SKIP() << "no pipe of 1 MiB for this user";
    }
    static std::span<const std::byte> head() { return std::as_bytes(std::span("head", 4)); }

    // Until `bytes` of the memory have gone through the socket.
    void receive(std::size_t bytes) {
        for (std::size_t sent = 0, had = pages_.received(); pages_.received() < had + bytes;) {
            const ssize_t more = ::send(sender_.get(), memory_.data() + sent, bytes - sent, 0);
            if (more > 0) sent += static_cast<std::size_t>(more);
            const ssize_t got = pages_.receive(receiver_.get(), bytes);
            ASSERT_TRUE(got > 0 || errno == EAGAIN) << errno;
        }
    }

    FileDescriptor sender_, receiver_;
    PageReceiver pages_;
    std::vector<std::byte> memory_ = std::vector<std::byte>(200'000);
};

TEST_F(PageReceiverTest, PassesOnWhatCameBehindItsHead) {
    receive(memory_.size());
    const FileDescriptor file(::memfd_create("pages", MFD_CLOEXEC));
    ASSERT_EQ(pages_.sendTo(file.get()), 4 + static_cast<ssize_t>(memory_.size()));
    EXPECT_EQ(pages_.received(), 0U);
    std::vector<std::byte> all(4 + memory_.size() + 1);
    ASSERT_EQ(::pread(file.get(), all.data(), all.size(), 0), 4 + static_cast<ssize_t>(memory_.size()));
    EXPECT_TRUE(std::ranges::equal(std::span(all).first(4), head()));
    EXPECT_TRUE(std::ranges::equal(std::span(all).subspan(4, memory_.size()), memory_));
}

TEST_F(PageReceiverTest, GivesItToMemory) {
    receive(memory_.size());
    std::vector<std::byte> all(memory_.size());
    ASSERT_TRUE(pages_.copyTo(all));
    EXPECT_EQ(all, memory_);
    EXPECT_EQ(pages_.received(), 0U);
}

TEST_F(PageReceiverTest, ForgetsWhatItHeld) {
    receive(100);
    ASSERT_TRUE(pages_.begin(head()));
    EXPECT_EQ(pages_.received(), 0U);
    receive(3);
    std::vector<std::byte> all(3);
    ASSERT_TRUE(pages_.copyTo(all));
    EXPECT_TRUE(std::ranges::equal(all, std::span(memory_).first(3)));
}

TEST_F(PageReceiverTest, IsFullOfSmallPieces) {
    std::size_t sent = 0;
    for (int error = 0; error != ENOBUFS; error = errno) {
        ASSERT_LT(sent, memory_.size());
        ASSERT_EQ(::send(sender_.get(), &memory_[sent], 1, 0), 1);
        ++sent;
        errno = 0;
        (void)pages_.receive(receiver_.get(), 1);
    }
    ASSERT_EQ(pages_.received(), sent - 1) << "the last one is still in the socket";
    std::vector<std::byte> all(sent - 1);
    ASSERT_TRUE(pages_.copyTo(all));
    EXPECT_TRUE(std::ranges::equal(all, std::span(memory_).first(sent - 1)));
    EXPECT_EQ(pages_.receive(receiver_.get(), 1), 1) << "there is room again";
}

TEST_F(PageReceiverTest, TellsNothingYetFromTheEnd) {
    EXPECT_EQ(pages_.receive(receiver_.get(), 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    sender_.reset();
    EXPECT_EQ(pages_.receive(receiver_.get(), 1), 0);
}

TEST_F(PageReceiverTest, AFileThatTakesNothing) {
    receive(100);
    EXPECT_EQ(pages_.sendTo(-1), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(pages_.received(), 0U);
    EXPECT_TRUE(pages_.begin(head()));
}

}  // namespace
}  // namespace mc::io
