#include "transport/completion.h"

#include <gtest/gtest.h>

#include <thread>

namespace mc {
namespace {

TEST(Completion, IsDoneBeforeTheFirstRequestAndAfterTheLast) {
    Completion completion;
    EXPECT_TRUE(completion.done());
    completion.start(2);
    completion.finish();
    EXPECT_FALSE(completion.done());
    completion.finish();
    EXPECT_TRUE(completion.done());
}

TEST(Completion, WakesASleepingThread) {
    for (int round = 0; round < 200; ++round) {
        Completion completion;
        completion.start(3);
        std::jthread finisher([&] {
            for (int i = 0; i < 3; ++i) {
                completion.finish();
            }
        });
        completion.waitDone(SteadyClock::now() + std::chrono::seconds(20));
        EXPECT_TRUE(completion.done());
    }
}

TEST(Completion, WaitEndsAtItsDeadlineWithoutBeingDone) {
    Completion completion;
    completion.start(1);
    completion.waitDone(SteadyClock::now() + std::chrono::milliseconds(5));
    EXPECT_FALSE(completion.done());
}

TEST(Completion, ANudgeBetweenTicketAndWaitIsNotMissed) {
    Completion completion;
    completion.start(1);
    const auto ticket = completion.ticket();
    completion.nudge();
    completion.wait(ticket, std::nullopt);  // Would sleep for ever.
    EXPECT_FALSE(completion.done());
}

TEST(Completion, KnowsWhetherAllRequestsWentToOneLoop) {
    Completion completion;
    EXPECT_LT(completion.home(), 0);
    completion.visit(3);
    completion.visit(3);
    EXPECT_EQ(completion.home(), 3);
    completion.visit(2);
    EXPECT_LT(completion.home(), 0);
    completion.forget();
    completion.visit(2);
    EXPECT_EQ(completion.home(), 2);
}

}  // namespace
}  // namespace mc
