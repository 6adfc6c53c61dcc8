#include "transport/region_table.h"

#include <gtest/gtest.h>

namespace mc {
namespace {

Region at(std::uint64_t addr, std::uint64_t length) {
    return {addr, length, "*", true};
}

TEST(RegionTable, FindsOnlyWhatLiesInsideOneRegion) {
    const RegionTable table({at(0x3000, 0x1000), at(0x1000, 0x1000), at(0x2000, 0x1000)});
    std::size_t hint = 0;
    EXPECT_EQ(table.find(0x1000, 0x1000, hint)->addr, 0x1000U);
    EXPECT_EQ(table.find(0x2fff, 1, hint)->addr, 0x2000U);
    EXPECT_EQ(table.find(0x1fff, 2, hint), nullptr) << "adjacent regions do not combine";
    EXPECT_EQ(table.find(0x0fff, 1, hint), nullptr);
    EXPECT_EQ(table.find(0x4000, 1, hint), nullptr);
    EXPECT_EQ(table.find(0x3001, 0x1000, hint), nullptr);
}

TEST(RegionTable, EmptyAndWrappingRangesAreInNoRegion) {
    const RegionTable table({at(0x1000, 0x1000), at(~std::uint64_t{0} - 0xfff, 0xfff)});
    std::size_t hint = 0;
    EXPECT_EQ(table.find(0x1000, 0, hint), nullptr);
    EXPECT_EQ(table.find(0x1800, ~std::uint64_t{0}, hint), nullptr);
    EXPECT_EQ(table.find(~std::uint64_t{0}, 2, hint), nullptr);
    EXPECT_NE(table.find(~std::uint64_t{0} - 0xfff, 0xfff, hint), nullptr);
}

TEST(RegionTable, OverlappingForeignRegionsAreFoundWhicheverHoldsTheRange) {
    const RegionTable table({at(0x1000, 0x9000), at(0x2000, 0x100), at(0x3000, 0x100)});
    std::size_t hint = 7;  // A hint of another table does no harm.
    EXPECT_EQ(table.find(0x3000, 0x2000, hint)->addr, 0x1000U);
    EXPECT_EQ(table.find(0x3010, 0x10, hint)->addr, 0x1000U);
}

TEST(RegionTable, AnEmptyTableHasNothing) {
    std::size_t hint = 0;
    EXPECT_EQ(RegionTable().find(1, 1, hint), nullptr);
}

TEST(RegionRegistry, RefusesOverlapsAndNonsense) {
    RegionRegistry registry;
    ASSERT_TRUE(registry.add(at(0x1000, 0x1000)));
    EXPECT_EQ(registry.add(at(0x1fff, 1)).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(registry.add(at(0x800, 0x10000)).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(registry.add(at(0, 10)).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(registry.add(at(0x5000, 0)).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(registry.add(at(~std::uint64_t{0}, 2)).error().code, ErrorCode::InvalidArgument);
    EXPECT_TRUE(registry.add(at(0x2000, 1)));
    EXPECT_EQ(registry.remove(0x1001).error().code, ErrorCode::NotFound);
    EXPECT_EQ(registry.remove(0x1000)->length, 0x1000U);
}

TEST(RegionView, SeesChangesAtOnceAndKeepsItsSnapshotAliveUntilThen) {
    RegionRegistry registry;
    RegionView view(registry);
    EXPECT_EQ(view.find(0x1000, 1), nullptr);
    ASSERT_TRUE(registry.add(at(0x1000, 0x1000)));
    EXPECT_NE(view.find(0x1000, 1), nullptr);
    ASSERT_TRUE(registry.remove(0x1000));
    EXPECT_EQ(view.find(0x1000, 1), nullptr);
}

}  // namespace
}  // namespace mc
