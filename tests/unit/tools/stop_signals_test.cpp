#include "common/stop_signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stop_token>

namespace mc::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(StopSignals, theFirstSignalAsksToStop) {
    for (const int signal : {SIGTERM, SIGINT}) {
        const auto stop = StopSignals::open();
        ASSERT_TRUE(stop) << stop.error().message;
        EXPECT_FALSE((*stop)->token().stop_requested());
        EXPECT_EQ((*stop)->exitCode(), ExitCode::Ok);
        ASSERT_EQ(::kill(::getpid(), signal), 0);
        EXPECT_TRUE((*stop)->wait(seconds(60)));
        EXPECT_TRUE((*stop)->token().stop_requested());
        EXPECT_EQ((*stop)->received(), signal);
        EXPECT_EQ((*stop)->exitCode(), signal == SIGINT ? ExitCode::Interrupted : ExitCode::Terminated);
    }
}

TEST(StopSignals, aWaitEndsWithItsTime) {
    const auto stop = StopSignals::open();
    ASSERT_TRUE(stop) << stop.error().message;
    EXPECT_FALSE((*stop)->wait(milliseconds(1)));
    EXPECT_EQ((*stop)->received(), 0);
}

void killTwice(int first, int second) {
    const auto stop = StopSignals::open();
    if (!stop) std::_Exit(1);
    (void)::kill(::getpid(), first);
    if (!(*stop)->wait(seconds(60))) std::_Exit(2);
    (void)::kill(::getpid(), second);
    while (true)
        ::pause();
}

TEST(StopSignals, theSecondEndsTheProcessAtOnce) {
    EXPECT_EXIT(killTwice(SIGTERM, SIGTERM), testing::ExitedWithCode(143), "");
    EXPECT_EXIT(killTwice(SIGTERM, SIGINT), testing::ExitedWithCode(130), "");
}

TEST(StopSignals, theOldMeaningComesBack) {
    sigset_t before;
    sigset_t inside;
    sigset_t after;
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
    {
        const auto stop = StopSignals::open();
        ASSERT_TRUE(stop) << stop.error().message;
        ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &inside), 0);
    }
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &after), 0);
    EXPECT_EQ(::sigismember(&inside, SIGTERM), 1);
    EXPECT_EQ(::sigismember(&after, SIGTERM), ::sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace mc::tools
