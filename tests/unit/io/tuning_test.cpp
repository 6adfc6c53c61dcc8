#include "io/tuning.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "base/fd.h"
#include "io/socket.h"

namespace mc::io {
namespace {

// Every kernel has it.
constexpr const char* kNamed = "reno";

class TuningTest : public testing::Test {
  protected:
    /// Connects with that choice; `accepted_` is as the listener has left it.
    void connect(const std::string& choice) {
        tuneListener(listener_, choice);
        auto client = startConnect(localAddress(listener_), choice);
        ASSERT_TRUE(client);
        client_ = std::move(*client);
        pollfd waiting{listener_.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&waiting, 1, -1), 1);
        accepted_ = acceptFrom(listener_).value();
    }

    const FileDescriptor listener_ = listenOn(resolve("127.0.0.1", 0)->front(), 4).value();
    const std::string system_ = congestionControl(*openStream(AF_INET));
    FileDescriptor client_, accepted_;
};

// A pacing algorithm that a connection has had for a moment leaves its timers on.
TEST_F(TuningTest, ANameIsSetBeforeAConnectionIsThere) {
    connect(kNamed);
    EXPECT_EQ(congestionControl(client_), kNamed);
    EXPECT_EQ(congestionControl(accepted_), kNamed);
}

TEST_F(TuningTest, ALocalRoadNeverHasAPacingDefault) {
    connect("auto");
    const std::string chosen = congestionControl(listener_);
    EXPECT_TRUE(chosen == "cubic" || chosen == "reno") << chosen;
    EXPECT_EQ(congestionControl(client_), chosen);
    EXPECT_EQ(congestionControl(accepted_), chosen);
    tuneAccepted(accepted_, "auto");
    EXPECT_EQ(congestionControl(accepted_), chosen);
}

TEST_F(TuningTest, TheSystemsChoiceStays) {
    connect("system");
    EXPECT_EQ(congestionControl(client_), system_);
    tuneAccepted(accepted_, "system");
    EXPECT_EQ(congestionControl(accepted_), system_);
}

TEST_F(TuningTest, AnUnknownNameLeavesTheDefault) {
    connect("no-such-name");
    EXPECT_EQ(congestionControl(client_), system_);
    EXPECT_EQ(congestionControl(accepted_), system_);
}

}  // namespace
}  // namespace mc::io
