#include <atomic>
#include <ctime>
#include <thread>

#include "metadata/daemon_fixture.h"
#include "metadata/handshake_messages.h"
#include "shortage.h"

namespace mc::metadata {
namespace {

using std::chrono::milliseconds;

Result<std::string> answerProbe(std::string_view /*json*/) {
    return std::string(kProbeReply);
}

class HandshakeDaemonLoadTest : public DaemonFixture {};

TEST_F(HandshakeDaemonLoadTest, IdleAndSlowClientsHoldUpNobody) {
    // Nothing times out here: whoever waited for an idle client would wait for an hour.
    start({.idle_timeout = std::chrono::hours(1),
           .total_timeout = std::chrono::hours(1),
           .linger_timeout = std::chrono::hours(1)});
    daemon_->setHandler(MessageType::Probe, answerProbe);
    const std::string request = wireFrame("\x03{}");
    std::vector<std::unique_ptr<RawClient>> idle, slow, lingering;
    for (std::size_t i = 0; i < 33; ++i) {
        idle.push_back(std::make_unique<RawClient>(port_));
        slow.push_back(std::make_unique<RawClient>(port_));
        slow.back()->send(request.substr(0, 1 + (i % (request.size() - 1))));
        lingering.push_back(std::make_unique<RawClient>(port_));
        lingering.back()->send(request);
    }
    {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([this] {
                for (int i = 0; i < 25; ++i) {
                    EXPECT_EQ(probe(), kProbeReply);
                }
            });
        }
    }
    for (std::size_t i = 0; i < slow.size(); ++i) {
        EXPECT_TRUE(idle[i]->isWaiting());
        EXPECT_TRUE(slow[i]->isWaiting());
        slow[i]->send(request.substr(1 + (i % (request.size() - 1))));
        EXPECT_NE(slow[i]->readToEnd(), "");
        EXPECT_NE(lingering[i]->readToEnd(), "");
    }
}

TEST_F(HandshakeDaemonLoadTest, HandlersMayChangeWhileClientsCall) {
    start();
    daemon_->setHandler(MessageType::Probe, answerProbe);
    std::jthread changer([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            // What a handler refers to may go as soon as its successor is set.
            const auto count = std::make_unique<std::atomic<int>>(0);
            daemon_->setHandler(MessageType::Probe, [counter = count.get()](std::string_view) {
                ++*counter;
                return std::string(kProbeReply);
            });
            daemon_->setHandler(MessageType::Probe, answerProbe);
        }
    });
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(probe(), kProbeReply);
    }
}

TEST_F(HandshakeDaemonLoadTest, StopsWhileClientsCall) {
    start();
    daemon_->setHandler(MessageType::Probe, answerProbe);
    std::atomic<int> answered = 0;
    std::jthread caller([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            if (probe() == kProbeReply) ++answered;
        }
    });
    while (answered < 10) {
        std::this_thread::yield();
    }
    daemon_->stop();
    EXPECT_FALSE(RawClient(port_).connected());
}

TEST_F(HandshakeDaemonLoadTest, WaitsQuietlyWhileDescriptorsAreShort) {
    start();
    daemon_->setHandler(MessageType::Probe, answerProbe);
    const FileDescriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    const auto address = loopback(port_);
    {
        const test::DescriptorShortage shortage;
        ASSERT_EQ(::connect(client.get(), address.get(), address.length()), 0);
        const std::string request = wireFrame("\x03{}");
        ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
        const auto before = std::clock();
        std::this_thread::sleep_for(milliseconds(300));
        EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10) << "processor time, not wall time";
        char byte = 0;
        EXPECT_LT(::recv(client.get(), &byte, 1, MSG_DONTWAIT), 0);
    }
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 0x16);
    EXPECT_EQ(probe(), kProbeReply);
}

}  // namespace
}  // namespace mc::metadata
