#include "io/page_sender.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <span>
#include <vector>

#include "base/fd.h"

namespace mc::io {
namespace {

class PageSenderTest : public testing::Test {
  protected:
    void SetUp() override {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        sender_.reset(ends[0]);
        receiver_.reset(ends[1]);
        for (std::size_t i = 0; i < memory_.size(); ++i)
            memory_[i] = static_cast<std::byte>(i * 7 + i / 4096);
    }

    // All that has arrived.
    std::vector<std::byte> received() {
        std::vector<std::byte> all;
        std::vector<std::byte> part(1 << 16);
        for (ssize_t got = 0; (got = ::recv(receiver_.get(), part.data(), part.size(), 0)) > 0;)
            all.insert(all.end(), part.begin(), part.begin() + got);
        return all;
    }

    FileDescriptor sender_, receiver_;
    PageSender pages_;
    std::vector<std::byte> memory_ = std::vector<std::byte>((1 << 20) + 123);
};

TEST_F(PageSenderTest, GoesOnWhereTheSocketWasFull) {
    const auto memory = std::span<const std::byte>(memory_).subspan(5);  // Not on a page's boundary.
    std::vector<std::byte> arrived;
    std::size_t sent = 0;
    while (sent < memory.size()) {
        const ssize_t moved = pages_.send(sender_.get(), memory.subspan(sent), false);
        ASSERT_TRUE(moved > 0 || errno == EAGAIN);
        if (moved > 0) sent += static_cast<std::size_t>(moved);
        const auto more = received();
        arrived.insert(arrived.end(), more.begin(), more.end());
    }
    EXPECT_TRUE(std::ranges::equal(arrived, memory));
    EXPECT_EQ(::send(sender_.get(), "x", 1, 0), 1) << "nothing of it is left over";
    EXPECT_EQ(received().size(), 1U);
}

TEST_F(PageSenderTest, MemoryThatIsNotThereIsNotSupported) {
    void* const nowhere = ::mmap(nullptr, 1 << 17, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(nowhere, MAP_FAILED);
    EXPECT_EQ(pages_.send(sender_.get(), {static_cast<const std::byte*>(nowhere), 1 << 17}, false), -1);
    EXPECT_EQ(errno, ENOTSUP);
    ::munmap(nowhere, 1 << 17);
    EXPECT_TRUE(received().empty());
}

TEST_F(PageSenderTest, APeerThatIsGone) {
    receiver_.reset();
    EXPECT_EQ(pages_.send(sender_.get(), memory_, false), -1);
    EXPECT_EQ(errno, EPIPE) << "and SIGPIPE, which nobody here blocks or ignores, has not ended the process";
    sigset_t now;
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
    EXPECT_EQ(::sigismember(&now, SIGPIPE), 0);
    ASSERT_EQ(::sigpending(&now), 0);
    EXPECT_EQ(::sigismember(&now, SIGPIPE), 0);
}

}  // namespace
}  // namespace mc::io
