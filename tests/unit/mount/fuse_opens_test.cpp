#include "mount/fuse_opens.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

namespace mc::mount {
namespace {

constexpr pid_t kMe = 10;
constexpr pid_t kOther = 11;

TEST(FuseOpens, WhoOnlyWritesGoesPastTheCacheAndWhoReadsThroughIt) {
    FuseOpens opens(2, true);
    const auto reader = opens.open(0, O_RDONLY, kMe);
    EXPECT_FALSE(reader.past_cache);
    EXPECT_TRUE(opens.isCached(0));
    EXPECT_FALSE(opens.isCached(1)) << "another file";
    const auto writer = opens.open(0, O_WRONLY | O_APPEND, kMe);
    EXPECT_TRUE(writer.past_cache);
    EXPECT_TRUE(FuseOpens::isPastCache(writer.handle));
    EXPECT_FALSE(FuseOpens::isPastCache(reader.handle));
    EXPECT_FALSE(opens.open(0, O_RDONLY, kMe).past_cache) << "can be mapped while somebody writes";
    opens.close(reader.handle);
    EXPECT_TRUE(opens.isCached(0)) << "the second reader";
}

TEST(FuseOpens, WritersAreAllOfOneWay) {
    FuseOpens opens(1, true);
    const auto both = opens.open(0, O_RDWR, kMe);
    EXPECT_FALSE(both.past_cache);
    const auto writer = opens.open(0, O_WRONLY, kMe);
    EXPECT_FALSE(writer.past_cache) << "somebody may have it mapped and changed";
    opens.close(both.handle);
    const auto another = opens.open(0, O_WRONLY, kMe);
    EXPECT_FALSE(another.past_cache);
    opens.close(writer.handle);
    opens.close(another.handle);
    EXPECT_FALSE(opens.isCached(0));
    EXPECT_TRUE(opens.open(0, O_WRONLY, kMe).past_cache);
    EXPECT_TRUE(opens.open(0, O_RDWR, kMe).past_cache);
}

TEST(FuseOpens, OneToReadAndWriteWaitsForAWriterThatHasJustClosedIt) {
    FuseOpens opens(1, true, std::chrono::seconds(20));
    const auto writer = opens.open(0, O_WRONLY, kMe);
    std::jthread closing([&] { opens.close(writer.handle); });
    EXPECT_FALSE(opens.open(0, O_RDWR, kOther).past_cache);
}

TEST(FuseOpens, WithoutACacheAllGoPastIt) {
    FuseOpens opens(1, false);
    for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR})
        EXPECT_TRUE(opens.open(0, flags, kMe).past_cache);
    EXPECT_FALSE(opens.isCached(0));
}

TEST(FuseOpens, KnowsWhichThreadHasItOpenForWriting) {
    FuseOpens opens(2, true);
    opens.open(0, O_RDONLY, kMe);
    const auto writer = opens.open(0, O_RDWR, kMe);
    EXPECT_TRUE(opens.writes(0, kMe));
    EXPECT_FALSE(opens.writes(0, kOther));
    EXPECT_FALSE(opens.writes(1, kMe));
    opens.close(writer.handle);
    opens.close(writer.handle);  // Once is enough.
    EXPECT_FALSE(opens.writes(0, kMe));
}

}  // namespace
}  // namespace mc::mount
