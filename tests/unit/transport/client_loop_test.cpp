#include "transport/client_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "io/block_queue.h"
#include "shortage.h"

namespace mc {
namespace {

TEST(ClientLoop, WhatWasPreparedGoesWithItsLoop) {
    std::optional<test::ThreadShortage> shortage;
    std::weak_ptr<io::BlockQueue> prepared;
    const auto prepare = [&](io::EventLoop& loop) -> Result<std::shared_ptr<void>> {
        std::shared_ptr<io::BlockQueue> blocks = std::move(*io::BlockQueue::open(loop, {}));
        prepared = blocks;
        return blocks;
    };
    const auto started = ClientLoop::start("test", 0, prepare);
    ASSERT_TRUE(started);
    EXPECT_EQ((*started)->prepared(), prepared.lock().get());
    const auto failed = ClientLoop::start("test", 1, [&](io::EventLoop& loop) {
        auto done = prepare(loop);
        shortage.emplace();
        return done;
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::System);
    EXPECT_THAT(failed.error().message, testing::HasSubstr("start thread test client"));
    EXPECT_TRUE(prepared.expired());
}

}  // namespace
}  // namespace mc
