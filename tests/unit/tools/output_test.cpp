#include "common/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/fd.h"

namespace mc::tools {
namespace {

TEST(Output, coloursWhereAsked) {
    const FileDescriptor file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(wantsColor("always", file.get()));
    EXPECT_FALSE(wantsColor("never", file.get()));
    EXPECT_FALSE(wantsColor("auto", file.get())) << "not a terminal";
}

TEST(Output, whatIsNoTerminalHasEightyColumns) {
    const FileDescriptor file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(terminalWidth(file.get()), 80U);
}

TEST(Output, aFullDeviceIsAnError) {
    const auto write = [] {
        if (std::freopen("/dev/full", "w", stdout) == nullptr) std::exit(1);
        const auto written = writeData("text");
        std::_Exit(!written && written.error().code == ErrorCode::Io ? 7 : 1);
    };
    EXPECT_EXIT(write(), testing::ExitedWithCode(7), "");
}

TEST(Output, aReaderWhoHasGoneIsAnErrorForDataOnly) {
    const auto write = [](auto function) {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0) std::_Exit(1);
        ::close(ends[0]);
        ::close(ends[1]);
        std::signal(SIGPIPE, SIG_IGN);
        std::_Exit(function("text") ? 7 : 8);
    };
    EXPECT_EXIT(write(writeText), testing::ExitedWithCode(7), "");
    EXPECT_EXIT(write(writeData), testing::ExitedWithCode(8), "");
}

}  // namespace
}  // namespace mc::tools
