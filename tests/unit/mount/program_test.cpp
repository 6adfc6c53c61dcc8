#include "mount/program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount/process.h"
#include "mount/unmount.h"

namespace mc::mount {
namespace {

TEST(Program, ItsStatusAndOutputAreTold) {
    const auto ended = runProgram({"sh", "-c", "echo out; echo err >&2; exit 3"}, std::nullopt);
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(ended->status, 3);
    EXPECT_EQ(ended->output, "out\nerr\n");
    EXPECT_EQ(runProgram({"sh", "-c", "kill -9 $$"}, std::nullopt)->status, 137);
}

TEST(Program, OneThatHangsIsEnded) {
    const auto ended = runProgram({"sleep", "1000"}, SteadyClock::now() + std::chrono::milliseconds(50));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::TimedOut);
}

TEST(Program, OneThatIsMissingIsNamed) {
    const auto ended = runProgram({"mc-no-such-program"}, std::nullopt);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::NoInput);
    EXPECT_EQ(ended.error().message, "run mc-no-such-program: there is no such program");
}

TEST(Program, MuchOutputIsCutOff) {
    const auto ended = runProgram({"head", "-c", "1000000", "/dev/zero"}, std::nullopt);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->status, 0);
    EXPECT_EQ(ended->output.size(), 65536);
}

TEST(Process, IsToldFromALaterOneOfItsNumber) {
    const ProcessId self = processId(0);
    EXPECT_EQ(self.pid, ::getpid());
    EXPECT_TRUE(isRunning(self));
    EXPECT_FALSE(isRunning({.pid = self.pid, .started = self.started + 1}));
    EXPECT_FALSE(isRunning({}));
}

TEST(Process, ItsEndIsWaitedFor) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const ProcessId process = processId(child);
    EXPECT_FALSE(waitForEnd(process, SteadyClock::now() + std::chrono::milliseconds(20)));
    ::kill(child, SIGKILL);
    EXPECT_TRUE(waitForEnd(process, SteadyClock::now() + std::chrono::minutes(1)));
    EXPECT_FALSE(isRunning(process)) << "a zombie runs no more";
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(waitForEnd({}, std::nullopt));
}

TEST(Unmount, WhereNothingIsMountedThatIsSaid) {
    EXPECT_EQ(unmount("/mc-no-such-directory", Unmounting::Lazy, std::nullopt).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace mc::mount
