#include "engine/flights.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/errors.h"

namespace mc {
namespace {

/// A look-up that says when it has begun, and lands when it is told to.
class Gate {
  public:
    Result<void> pass(Result<void> result = {}) {
        begun_.set_value();
        open_.get_future().wait();
        return result;
    }
    void awaitBegin() { begun_.get_future().wait(); }
    void open() { open_.set_value(); }

  private:
    std::promise<void> begun_;
    std::promise<void> open_;
};

TEST(Flights, OneSegmentDoesNotWaitForAnother) {
    Flights flights;
    Gate hung;
    std::jthread waiting([&] { EXPECT_TRUE(flights.run(1, [&] { return hung.pass(); })); });
    hung.awaitBegin();
    EXPECT_TRUE(flights.run(2, [] { return Result<void>(); }));
    EXPECT_EQ(flights.run(3, [] { return Result<void>(fail(ErrorCode::NotFound, "no")); }).error().code,
              ErrorCode::NotFound);
    hung.open();
}

TEST(Flights, WhoAsksMeanwhileGetsALaterLookUpAndSharesIt) {
    Flights flights;
    Gate first;
    std::atomic<int> later = 0;
    std::atomic<int> arrived = 0;
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { EXPECT_TRUE(flights.run(1, [&] { return first.pass(); })); });
    first.awaitBegin();
    constexpr int kWaiting = 8;
    for (int i = 0; i < kWaiting; ++i) {
        threads.emplace_back([&] {
            ++arrived;
            EXPECT_TRUE(flights.run(1, [&] {
                ++later;
                return Result<void>();
            }));
        });
    }
    while (arrived < kWaiting) {
        std::this_thread::yield();
    }
    first.open();
    threads.clear();
    EXPECT_GE(later, 1);
    EXPECT_LE(later, kWaiting);
    EXPECT_TRUE(flights.run(1, [] { return Result<void>(); }));
}

TEST(Flights, AnOwnerThatDoesNotAnswerIsNotAskedForEachWhoWaits) {
    Flights flights;
    Gate hung;
    std::atomic<int> arrived = 0;
    std::atomic<int> again = 0;
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
        const auto result = flights.run(1, [&] { return hung.pass(fail(ErrorCode::TimedOut, "silent")); });
        EXPECT_EQ(result.error().code, ErrorCode::TimedOut);
    });
    hung.awaitBegin();
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            ++arrived;
            (void)flights.run(1, [&] {
                ++again;
                return Result<void>(fail(ErrorCode::TimedOut, "silent"));
            });
        });
    }
    while (arrived < 4) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Makes it likely that all of them wait.
    hung.open();
    threads.clear();
    EXPECT_LE(again, 4);
}

TEST(Flights, ALookUpThatThrowsIsAnErrorAndNotTheLast) {
    Flights flights;
    const auto thrown = flights.run(1, []() -> Result<void> { throw std::runtime_error("no memory"); });
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().message, "look up: no memory");
    EXPECT_TRUE(flights.run(1, [] { return Result<void>(); }));
}

}  // namespace
}  // namespace mc
