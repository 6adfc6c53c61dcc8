#include "transport/slice.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

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

TEST(SliceQueue, GivesOutThoseWhoseTimeIsOver) {
    const auto now = SteadyClock::now();
    std::array<Slice, 5> slices;
    SliceQueue queue;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        slices[i].deadline = i % 2 == 0 ? now : now + std::chrono::nanoseconds(1);
        queue.push(&slices[i]);
    }
    SliceQueue overdue = queue.takeOverdue(now);
    for (const std::size_t i : {0U, 2U, 4U}) {
        ASSERT_FALSE(overdue.empty());
        EXPECT_EQ(overdue.pop(), &slices[i]);
    }
    EXPECT_TRUE(overdue.empty());
    for (const std::size_t i : {1U, 3U}) {
        ASSERT_FALSE(queue.empty());
        EXPECT_EQ(queue.pop(), &slices[i]);
    }
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace mc
