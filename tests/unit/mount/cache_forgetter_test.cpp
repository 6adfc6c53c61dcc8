#include "mount/cache_forgetter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>
#include <string>
#include <vector>

namespace mc::mount {
namespace {

using testing::ElementsAre;

TEST(CacheForgetter, ForgetsInOrderAndThenGoesOn) {
    std::vector<std::string> done;
    CacheForgetter forgetter([&](const CacheForgetter::Range& range) {
        done.push_back("forget " + std::to_string(range.inode) + " " + std::to_string(range.offset) + " " +
                       std::to_string(range.length));
    });
    forgetter.add({.inode = 3, .offset = 4096, .length = 10}, [&] { done.emplace_back("reply 1"); });
    forgetter.add({.inode = 4, .offset = 0, .length = 20}, [&] { done.emplace_back("reply 2"); });
    forgetter.finish();
    EXPECT_THAT(done, ElementsAre("forget 3 4096 10", "reply 1", "forget 4 0 20", "reply 2"));
    forgetter.add({.inode = 5}, [&] { done.emplace_back("reply 3"); });
    EXPECT_EQ(done.back(), "reply 3") << "nobody waits for ever";
    EXPECT_EQ(done.size(), 5);
}

TEST(CacheForgetter, WhoeverAddsDoesNotWait) {
    std::binary_semaphore read_is_answered(0);
    bool replied = false;
    CacheForgetter forgetter([&](const CacheForgetter::Range& /*range*/) { read_is_answered.acquire(); });
    forgetter.add({.inode = 3}, [&] { replied = true; });
    read_is_answered.release();
    forgetter.finish();
    EXPECT_TRUE(replied);
}

}  // namespace
}  // namespace mc::mount
