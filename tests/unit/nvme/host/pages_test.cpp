// Reads whose data may go to pages instead of memory: all of it is in the one or the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/page_receiver.h"
#include "nvme/host/host_fixture.h"
#include "nvme/host/own_target.h"
#include "nvme/host/scripted_target.h"

namespace mc::nvme::host::test {
namespace {

using Outcome = HostRequest::Outcome;

constexpr std::byte kUntouched{0xee};

class HostPages : public testing::Test {
  protected:
    void SetUp() override {
        if (!begin()) GTEST_SKIP() << "no pipe of 1 MiB for this user";
    }
    bool begin() { return pages_.begin(std::as_bytes(std::span("head", 4))); }
    Outcome read(Host& host, std::uint64_t offset, std::size_t length) {
        EXPECT_TRUE(begin());
        memory_.assign(length, kUntouched);
        NotedRequest request(HostRequest::Kind::Read, 1, offset, memory_);
        request.pages = &pages_;
        EXPECT_TRUE(host.run(std::span(&request, 1)));
        return request.outcome;
    }
    // What was read, out of the pages.
    Bytes inPages() {
        Bytes all(pages_.received());
        EXPECT_TRUE(pages_.copyTo(all));
        return all;
    }

    io::PageReceiver pages_;
    Bytes memory_;
};

class HostPagesOfOwnTarget : public HostPages {
  protected:
    void SetUp() override {
        std::ranges::copy(expected_, device_->memory().begin());
        HostPages::SetUp();
    }
    void connect(Host& host) {
        host.connect(target_.port(), OwnTarget::kNqn);
        ASSERT_TRUE(host.ready()) << host.last_error.message;
    }
    Bytes expected(std::size_t offset, std::size_t length) const {
        const auto begin = expected_.begin() + static_cast<std::ptrdiff_t>(offset);
        return {begin, begin + static_cast<std::ptrdiff_t>(length)};
    }

    const Bytes expected_ = patternBytes(16 << 20, 3);
    OwnTarget target_;
    const std::shared_ptr<io::BlockDevice> device_ = target_.add(1, 16 << 20);
};

TEST_F(HostPagesOfOwnTarget, TakeWhatIsRead) {
    for (const bool digest : {false, true}) {
        HostOptions options;
        options.header_digest = digest;
        Host host(options);
        connect(host);
        for (const std::size_t length : {std::size_t{64} << 10, std::size_t{256} << 10}) {
            ASSERT_EQ(read(host, 8192, length), Outcome::Completed);
            EXPECT_EQ(inPages(), expected(8192, length));
            EXPECT_THAT(memory_, testing::Each(kUntouched));
        }
    }
}

TEST_F(HostPagesOfOwnTarget, AreLeftEmptyWhereBytesHaveToBeLookedAtOrCut) {
    HostOptions options;
    Host host(options);
    connect(host);
    options.data_digest = true;
    Host digested(options);
    connect(digested);
    ASSERT_EQ(read(digested, 0, 128 << 10), Outcome::Completed);
    EXPECT_EQ(pages_.received(), 0U);
    EXPECT_EQ(memory_, expected(0, 128 << 10));
    for (const auto& [offset, length] : {std::pair<std::uint64_t, std::size_t>{100, 128 << 10}, {0, 10 << 20}}) {
        ASSERT_EQ(read(host, offset, length), Outcome::Completed);
        EXPECT_EQ(pages_.received(), 0U);
        EXPECT_EQ(memory_, expected(offset, length));
    }
}

TEST_F(HostPagesOfOwnTarget, AreFilledWhileOtherReadsGoToMemory) {
    Host host;
    connect(host);
    ASSERT_TRUE(begin());
    Bytes small(64 << 10), large(256 << 10), paged(256 << 10);
    std::vector<NotedRequest> requests;
    for (std::size_t i = 0; i < 16; ++i)
        requests.emplace_back(HostRequest::Kind::Read, 1, i * 4096, std::span(small).subspan(i * 4096, 4096));
    requests.emplace_back(HostRequest::Kind::Read, 1, 4 << 20, paged);
    requests.back().pages = &pages_;
    requests.emplace_back(HostRequest::Kind::Read, 1, 1 << 20, large);
    ASSERT_TRUE(host.run(requests));
    EXPECT_EQ(small, expected(0, small.size()));
    EXPECT_EQ(large, expected(1 << 20, large.size()));
    EXPECT_EQ(pages_.received() > 0 ? inPages() : paged, expected(4 << 20, paged.size()));
}

class HostPagesOfOthers : public HostPages {
  protected:
    // A read of a controller that does `script` with its command.
    Outcome readFrom(std::size_t length, const std::function<void(PduSocket&, const SubmissionEntry&)>& script) {
        const ScriptedTarget target([&](PduSocket& socket) {
            if (const auto command = socket.receiveCommand()) script(socket, *command);
            while (socket.receive()) {
            }
        });
        HostOptions options;
        options.loss_timeout = 0ms;
        Host host(options);
        host.connect(target.port(), "nqn.test");
        EXPECT_TRUE(host.ready()) << host.last_error.message;
        return read(host, 0, length);
    }
};

TEST_F(HostPagesOfOthers, GiveBackWhatComesInTooManyPieces) {
    constexpr std::size_t kPiece = 256;
    const Bytes data = patternBytes(300 * kPiece, 1);
    ASSERT_EQ(readFrom(data.size(),
                       [&](PduSocket& socket, const SubmissionEntry& command) {
                           for (std::size_t at = 0; at < data.size(); at += kPiece) {
                               socket.sendData(command.command_id, static_cast<std::uint32_t>(at),
                                               std::span(data).subspan(at, kPiece), 0);
                           }
                           socket.answer(command.command_id);
                       }),
              Outcome::Completed);
    EXPECT_EQ(pages_.received(), 0U);
    EXPECT_EQ(memory_, data);
}

TEST_F(HostPagesOfOthers, OfAReadThatFailedAreNotTaken) {
    const Bytes data = patternBytes(64 << 10, 1);
    EXPECT_EQ(readFrom(data.size(),
                       [&](PduSocket& socket, const SubmissionEntry& command) {
                           socket.sendData(command.command_id, 0, data, pdu_flag::kLastPdu);
                           socket.answer(command.command_id, 0, NVME_SC_READ_ERROR);
                       }),
              Outcome::Rejected);
    EXPECT_EQ(readFrom(data.size(),
                       [&](PduSocket& socket, const SubmissionEntry& command) {
                           socket.sendData(command.command_id, 0, std::span(data).first(1024), 0);
                           socket.end();
                       }),
              Outcome::Lost);
    EXPECT_THAT(memory_, testing::Each(kUntouched));
}

TEST_F(HostPagesOfOthers, GetNothingBeyondTheirCommand) {
    EXPECT_EQ(readFrom(64 << 10,
                       [&](PduSocket& socket, const SubmissionEntry& command) {
                           socket.sendData(command.command_id, 0, Bytes(32 << 10), 0);
                           socket.sendData(command.command_id, 32 << 10, Bytes((32 << 10) + 4));
                       }),
              Outcome::Lost);
    EXPECT_LE(pages_.received(), 32U << 10);
}

}  // namespace
}  // namespace mc::nvme::host::test
