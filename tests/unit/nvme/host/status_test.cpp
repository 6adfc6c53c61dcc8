#include "nvme/host/status.h"

#include <gmock/gmock.h>

#include <array>
#include <utility>

namespace mc::nvme::host {
namespace {

using testing::HasSubstr;

TEST(NvmeHostStatus, HasWordsForWhatTargetsSend) {
    constexpr std::array kExpected = std::to_array<std::pair<std::uint16_t, std::string_view>>({
        {0x006, "internal error"},
        {0x00b, "invalid namespace"},
        {0x020, "namespace is write protected"},
        {0x080, "LBA out of range"},
        {0x081, "capacity exceeded"},
        {0x082, "namespace not ready"},
        {0x184, "host not allowed"},
        {0x280, "write fault"},
        {0x281, "unrecovered read error"},
        {0x285, "compare failure"},
        {0x286, "access denied"},
        {0x302, "namespace inaccessible by this path"},
    });
    for (const auto& [status, words] : kExpected) {
        EXPECT_EQ(statusWords(status), words) << status;
    }
}

TEST(NvmeHostStatus, OfOthersItTellsTheType) {
    EXPECT_EQ(statusWords(0x07f), "unknown status");
    EXPECT_EQ(statusWords(0x2f0), "media error");
    EXPECT_EQ(statusWords(0x3f0), "path error");
    EXPECT_EQ(statusWords(0x701), "vendor specific");
    EXPECT_EQ(statusHint(0x2f0), "");
}

TEST(NvmeHostStatus, WhetherToRetryIsNoPartOfIt) {
    EXPECT_EQ(statusText(0x400b), "invalid namespace (0x00b)");
    EXPECT_EQ(statusText(0x4281), "unrecovered read error (0x281)");
}

TEST(NvmeHostStatus, HintsNameWhereToLook) {
    EXPECT_THAT(statusHint(0x281), HasSubstr("shorter"));
    EXPECT_THAT(statusHint(0x281), HasSubstr("log"));
    EXPECT_THAT(statusHint(0x081), HasSubstr("no room"));
    EXPECT_THAT(statusHint(0x020), HasSubstr("read-only"));
    EXPECT_EQ(statusHint(0x082), "");
}

}  // namespace
}  // namespace mc::nvme::host
