#include "segment/timestamp.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace mc {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;

class Timestamp : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* zone = std::getenv("TZ")) before_ = zone;
    }
    void TearDown() override {
        if (before_) {
            useZone(before_->c_str());
        } else {
            ::unsetenv("TZ");
            ::tzset();
        }
    }
    static void useZone(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }

  private:
    std::optional<std::string> before_;
};

TEST_F(Timestamp, HasSixDigitsOfMicroseconds) {
    useZone("UTC0");
    EXPECT_EQ(formatTimestamp(system_clock::time_point(microseconds(1'795'229'434'534'836))),
              "2026-11-21 02:50:34.534836");
    EXPECT_EQ(formatTimestamp(system_clock::time_point(microseconds(7))), "1970-01-01 00:00:00.000007");
}

TEST_F(Timestamp, IsLocalTime) {
    useZone("TST-5:30");
    EXPECT_EQ(formatTimestamp(system_clock::time_point(microseconds(0))), "1970-01-01 05:30:00.000000");
}

TEST_F(Timestamp, IsReadBack) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_EQ(parseTimestamp(formatTimestamp(now)), now);
    EXPECT_EQ(parseTimestamp(formatTimestamp(now + std::chrono::milliseconds(999))), now);
    EXPECT_EQ(parseTimestamp("2026-11-21 02:50:34"), parseTimestamp("2026-11-21 02:50:34.534836"));
}

TEST_F(Timestamp, ThatIsNoneIsNotRead) {
    for (const char* text :
         {"", "now", "2026-11-21", "2026-11-21 02:50", "2026-13-01 00:00:00", "2026-11-21 02:50:34Z"})
        EXPECT_FALSE(parseTimestamp(text)) << text;
}

}  // namespace
}  // namespace mc
