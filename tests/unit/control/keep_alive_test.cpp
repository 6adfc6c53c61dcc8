#include "control/keep_alive.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/errors.h"
#include "control/target.h"

namespace mc::control {
namespace {

using namespace std::chrono_literals;

TEST(KeepAlive, AsksAgainAndAgainWhateverTheAnswer) {
    std::atomic<int> asked = 0;
    auto keep_alive = KeepAlive::start(1ms, [&]() -> Result<std::vector<std::string>> {
        if (++asked % 2 == 0) return fail(ErrorCode::Unavailable, "store: gone");
        return std::vector<std::string>{"key"};
    });
    ASSERT_TRUE(keep_alive);
    while (asked < 5)
        std::this_thread::yield();
    keep_alive->reset();
    const int last = asked;
    std::this_thread::yield();
    EXPECT_EQ(asked, last);
}

TEST(KeepAlive, EndsWithoutWaitingForItsTurn) {
    std::atomic<int> asked = 0;
    {
        const auto keep_alive = KeepAlive::start(24h, [&]() -> Result<std::vector<std::string>> {
            ++asked;
            return std::vector<std::string>{};
        });
        ASSERT_TRUE(keep_alive);
    }
    EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace mc::control
