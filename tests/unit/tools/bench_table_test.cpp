#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/sample_report.h"
#include "mc-bench/table.h"

namespace mc::bench {
namespace {

using test::report;
using test::wrong;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(BenchTable, SumsRepeatsUpAsMedianAndRange) {
    const std::string table = toTable(report());
    EXPECT_THAT(table, HasSubstr(", through the kernel, CACHED by this machine, segment"));
    EXPECT_THAT(table, HasSubstr("median of 3"));
    EXPECT_THAT(table, HasSubstr("1.00 - 4.00"));
    EXPECT_THAT(table, ContainsRegex("write +64KiB +10 +4 +2\\.00 "));
    EXPECT_THAT(table, ContainsRegex("write +4KiB +10 +4 +4\\.00 "));
    EXPECT_THAT(table, HasSubstr("not checked"));
    EXPECT_THAT(table, Not(HasSubstr("Wrong")));
}

TEST(BenchTable, ShowsWrongBlocks) {
    Report bad = report();
    bad.results[0].verification = wrong();
    EXPECT_THAT(toTable(bad), HasSubstr("1 of 10 blocks WRONG"));
    EXPECT_THAT(toTable(bad),
                HasSubstr("stale at offset 4096 (write, thread 2): expected 0x0000000000000abc of pass 7, "
                          "found 0x0000000000000def of pass 6 at offset 4096"));
}

}  // namespace
}  // namespace mc::bench
