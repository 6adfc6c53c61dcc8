#include "io/device_shares.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "block_harness.h"

namespace mc::io {
namespace {

class Shares : public testing::Test {
  protected:
    // Requests to a device, which differ in their offset.
    void push(std::size_t device, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            requests.push_back(std::make_unique<BlockRequest>(BlockRequest{.device = at(device), .offset = i}));
            shares.push(*requests.back());
        }
    }
    std::size_t takeAll() {
        std::size_t count = 0;
        for (const BlockRequest* next = shares.next(); next != nullptr; next = shares.next()) {
            taken.push_back(next);
            ++count;
        }
        return count;
    }
    // Only what tells devices apart.
    BlockDevice* at(std::size_t device) {
        while (devices.size() <= device) {
            devices.push_back(*makeMemoryDevice("ram", 4096));
        }
        return devices[device].get();
    }

    DeviceShares shares{64};
    std::vector<std::shared_ptr<BlockDevice>> devices;
    std::vector<std::unique_ptr<BlockRequest>> requests;
    std::vector<const BlockRequest*> taken;
};

TEST_F(Shares, KeepTheOrderOfADevice) {
    push(0, 10);
    ASSERT_EQ(takeAll(), 10);
    for (std::size_t i = 0; i < 10; ++i)
        EXPECT_EQ(taken[i]->offset, i);
}

TEST_F(Shares, GiveDevicesTurns) {
    push(0, 3);
    push(1, 3);
    ASSERT_EQ(takeAll(), 6);
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(taken[i]->device, at(i % 2));
}

TEST_F(Shares, LeaveRoomForOthers) {
    push(0, 1000);
    const std::size_t first = takeAll();
    EXPECT_GE(first, 64 / 3);
    EXPECT_LT(first, 64 / 2);
    push(1, 1000);
    const std::size_t second = takeAll();
    EXPECT_GT(second, 0);
    EXPECT_LT(first + second, 64);
    EXPECT_EQ(shares.starved(), nullptr);
}

TEST_F(Shares, GiveWhatComesFreeToThoseThatWait) {
    push(0, 1000);
    const std::size_t first = takeAll();
    for (std::size_t i = 0; i < first; ++i)
        shares.leave(*taken[i]);
    EXPECT_EQ(takeAll(), first);
}

TEST_F(Shares, TellWhoStarves) {
    for (std::size_t device = 0; device < 64; ++device)
        push(device, 2);
    ASSERT_EQ(takeAll(), 64);
    EXPECT_EQ(shares.starved(), nullptr);  // Everybody has a place.
    push(64, 2);
    ASSERT_EQ(takeAll(), 0);
    for (std::size_t i = 0; i < 2; ++i) {
        const BlockRequest* const starved = shares.starved();
        ASSERT_NE(starved, nullptr);
        EXPECT_EQ(starved->device, at(64));
        EXPECT_EQ(starved->offset, i);
    }
    EXPECT_EQ(shares.starved(), nullptr);
    shares.leave(*taken[0]);
    EXPECT_EQ(takeAll(), 1);
    EXPECT_EQ(taken.back()->device, at(0));
}

TEST_F(Shares, RememberWhatADeviceCannotTell) {
    push(0, 2);
    ASSERT_EQ(takeAll(), 2);
    EXPECT_TRUE(shares.canTell(*taken[0]));
    shares.setCannotTell(*taken[0]);
    EXPECT_FALSE(shares.canTell(*taken[1]));
}

}  // namespace
}  // namespace mc::io
