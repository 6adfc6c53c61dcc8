#include "segment/memory_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mc {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kGid = "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce";

MemorySegmentPlan rdma() {
    return {.name = "node1",
            .protocol = "rdma",
            .devices = {{.name = "mlx5_2", .lid = 17, .gid = std::string(kGid)},
                        {.name = "mlx5_3", .lid = 18, .gid = std::string(kGid)}},
            .priority_matrix = {}};
}

TEST(MemorySegment, HasNoBuffersAndWhatIsKnownBefore) {
    const auto descriptor = makeMemorySegment(rdma());
    ASSERT_TRUE(descriptor) << descriptor.error().message;
    const auto written = json::parse(encodeSegmentDescriptor(*descriptor));
    EXPECT_EQ(written["server_name"], "node1");
    EXPECT_EQ(written["name"], "node1");
    EXPECT_EQ(written["protocol"], "rdma");
    EXPECT_EQ(written["buffers"], json::array());
    EXPECT_EQ(written["devices"][0], (json{{"name", "mlx5_2"}, {"lid", 17}, {"gid", kGid}}));
    EXPECT_EQ(written["priority_matrix"], json::parse(R"({"cpu:0": [["mlx5_2", "mlx5_3"], []]})"));
    EXPECT_FALSE(written["timestamp"].get<std::string>().empty());
}

TEST(MemorySegment, OfTcpHasNoDevices) {
    const auto descriptor = makeMemorySegment({.name = "n", .protocol = "tcp", .devices = {}, .priority_matrix = {}});
    ASSERT_TRUE(descriptor) << descriptor.error().message;
    const auto written = json::parse(encodeSegmentDescriptor(*descriptor));
    EXPECT_FALSE(written.contains("devices"));
    EXPECT_EQ(written["buffers"], json::array());
}

TEST(MemorySegment, TakesAMatrixOfItsDevicesOnly) {
    auto plan = rdma();
    plan.priority_matrix = {{"cpu:1", {.preferred = {"mlx5_3"}, .available = {"mlx5_2"}}}};
    EXPECT_EQ(makeMemorySegment(plan).value().priority_matrix, plan.priority_matrix);
    plan.priority_matrix["cpu:0"].available = {"mlx5_9"};
    const auto refused = makeMemorySegment(plan);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("mlx5_9 is none of the devices"));
}

TEST(MemorySegment, RefusesAProtocolThatIsNotOfMemory) {
    for (const auto* protocol : {"nvmeof", "nvmeof_generic", "rdna", ""}) {
        const auto refused =
            makeMemorySegment({.name = "n", .protocol = protocol, .devices = {}, .priority_matrix = {}});
        ASSERT_FALSE(refused) << protocol;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument) << protocol;
    }
    auto plan = rdma();
    plan.protocol = "tcp";
    EXPECT_EQ(makeMemorySegment(plan).error().message, "protocol tcp: has no network devices");
    plan = rdma();
    plan.devices[1].gid = "fe80::1";
    EXPECT_EQ(makeMemorySegment(plan).error().code, ErrorCode::InvalidArgument);
}

TEST(MemorySegment, DevicesAreNameLidAndGid) {
    const auto device = parseNicDevice("mlx5_2:17:" + std::string(kGid));
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ(device->name, "mlx5_2");
    EXPECT_EQ(device->lid, 17);
    EXPECT_EQ(device->gid, kGid);
    for (const auto* text : {"", "mlx5_2", "mlx5_2:17", "mlx5_2:17:", ":17:fe", "mlx5_2::fe", "mlx5_2:-1:fe",
                             "mlx5_2:65536:fe", "mlx5_2:1x:fe"}) {
        EXPECT_EQ(parseNicDevice(text).error().code, ErrorCode::InvalidArgument) << text;
    }
}

}  // namespace
}  // namespace mc
