#include "common/table.h"

#include <gtest/gtest.h>

namespace mc::tools {
namespace {

TEST(Table, alignsColumnsByTheirWidestCell) {
    Table table({{"name", Table::Align::Left}, {"size"}, {"note", Table::Align::Left}});
    table.addRow({"a", "65536", "first"});
    table.addRow({"segment", "1", ""});
    EXPECT_EQ(table.toString(),
              "name      size  note\n"
              "a        65536  first\n"
              "segment      1\n");
}

TEST(Table, countsCharactersAndNotBytes) {
    Table table({{"unit"}, {"x"}});
    table.addRow({"12 \xc2\xb5s", "1"});
    table.addRow({"300 ms", "2"});
    EXPECT_EQ(table.toString(), "  unit  x\n 12 \xc2\xb5s  1\n300 ms  2\n");
}

TEST(Table, toleratesMissingAndSurplusCells) {
    Table table({{"a"}, {"b"}});
    table.addRow({"1"});
    table.addRow({"1", "2", "3"});
    EXPECT_EQ(table.toString(), "a  b\n1\n1  2\n");
}

TEST(Table, withoutRowsIsItsTitles) {
    EXPECT_EQ(Table({{"a"}, {"b"}}).toString(), "a  b\n");
}

TEST(Table, isTakenPieceByPieceWithoutGettingNarrower) {
    Table table({{"key", Table::Align::Left}, {"n"}});
    table.addRow({"longer", "1"});
    EXPECT_EQ(table.take(), "key     n\nlonger  1\n");
    table.addRow({"a", "22"});
    EXPECT_EQ(table.take(), "a       22\n");
    EXPECT_EQ(table.take(), "");
}

}  // namespace
}  // namespace mc::tools
