#include "transport/slice.h"

#include <gtest/gtest.h>

namespace mc {
namespace {

struct OneTask {
    explicit OneTask(std::uint32_t slices) {
        task.slices_left = slices;
        task.status = TaskStatus::WAITING;
        task.batch = &batch;
        batch.start(1);
    }
    Slice slice(std::uint64_t length) {
        Slice made;
        made.length = length;
        made.task = &task;
        return made;
    }
    Completion batch;
    Task task;
};

TEST(FinishSlice, ATaskEndsWithItsLastSlice) {
    OneTask one(2);
    Slice first = one.slice(10);
    Slice second = one.slice(20);
    finishSlice(first, TaskStatus::COMPLETED, true, SteadyClock::now());
    EXPECT_EQ(one.task.status, TaskStatus::WAITING);
    EXPECT_EQ(one.task.transferred, 10U);
    finishSlice(second, TaskStatus::COMPLETED, true, SteadyClock::now());
    EXPECT_EQ(one.task.status, TaskStatus::COMPLETED);
    EXPECT_EQ(one.task.transferred, 30U);
    EXPECT_FALSE(one.task.unacknowledged);
    EXPECT_TRUE(one.batch.done());
}

TEST(FinishSlice, TheFirstFailureIsTheTasksAndFailedBytesDoNotCount) {
    OneTask one(3);
    Slice a = one.slice(1);
    Slice b = one.slice(2);
    Slice c = one.slice(4);
    finishSlice(a, TaskStatus::TIMEOUT, false, SteadyClock::now());
    finishSlice(b, TaskStatus::FAILED, false, SteadyClock::now());
    finishSlice(c, TaskStatus::COMPLETED, false, SteadyClock::now());
    EXPECT_EQ(one.task.status, TaskStatus::TIMEOUT);
    EXPECT_EQ(one.task.transferred, 4U);
    EXPECT_TRUE(one.task.unacknowledged);
}

TEST(SliceQueue, KeepsOrderThroughPushPopAndAppend) {
    Slice a;
    Slice b;
    Slice c;
    SliceQueue first;
    SliceQueue second;
    first.push(&a);
    second.push(&b);
    second.push(&c);
    first.append(second);
    EXPECT_TRUE(second.empty());
    EXPECT_EQ(first.pop(), &a);
    EXPECT_EQ(first.pop(), &b);
    first.push(&a);
    EXPECT_EQ(first.pop(), &c);
    EXPECT_EQ(first.pop(), &a);
    EXPECT_TRUE(first.empty());
    first.append(second);
    EXPECT_TRUE(first.empty());
}

}  // namespace
}  // namespace mc
