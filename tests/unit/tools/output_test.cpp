#include "common/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mc::tools
