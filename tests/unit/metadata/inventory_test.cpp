#include "metadata/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/memory_store.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kTcp =
    R"({"buffers":[{"addr":4096,"length":100,"name":"n"},{"addr":8192,"length":50,"name":"n"}],"name":"n",)"
    R"("protocol":"tcp","tcp_data_port":1,"timestamp":"2026-11-21 02:50:34.5"})";
constexpr std::string_view kFiles =
    R"({"buffers":[{"file_path":"/f","length":7,"local_path_map":{}}],"protocol":"nvmeof","server_name":"s"})";
constexpr std::string_view kMeta = R"({"ip_or_host_name":"10.0.0.1","rpc_port":12345})";

class Inventory : public testing::Test {
  protected:
    void put(std::string_view key, std::string_view value) {
        ASSERT_TRUE(store_.put(key, value, Precondition::any(), std::nullopt));
    }
    std::vector<SegmentSummary> take(std::string_view cluster = {}) {
        auto all = takeInventory(store_, KeyNames(cluster), std::nullopt, {});
        EXPECT_TRUE(all);
        return all ? all->segments : std::vector<SegmentSummary>();
    }

    MemoryStore store_;
};

std::vector<std::string> names(const std::vector<SegmentSummary>& all) {
    std::vector<std::string> list;
    for (const auto& one : all)
        list.push_back(one.name);
    return list;
}

TEST_F(Inventory, JoinsDescriptorAndAddress) {
    put("mooncake/ram/node1", kTcp);
    put("mooncake/rpc_meta/node1", kMeta);
    const auto all = take();
    ASSERT_THAT(names(all), ElementsAre("node1"));
    EXPECT_TRUE(all[0].published);
    EXPECT_FALSE(all[0].is_static);
    EXPECT_EQ(all[0].protocol, "tcp");
    EXPECT_EQ(all[0].buffers, 2U);
    EXPECT_EQ(all[0].bytes, 150U);
    EXPECT_EQ(all[0].timestamp, "2026-11-21 02:50:34.5");
    ASSERT_TRUE(all[0].owner);
    EXPECT_EQ(*all[0].owner, (RpcMeta{"10.0.0.1", 12345}));
    EXPECT_EQ(all[0].problem, "");
}

TEST_F(Inventory, FindsWhatIsOneSidedStaticOrDamaged) {
    put("mooncake/ram/a", kTcp);
    put("mooncake/rpc_meta/b", kMeta);
    put("mooncake/nvmeof/c", kFiles);
    put("mooncake/ram/d", "no JSON");
    put("mooncake/rpc_meta/d", R"({"rpc_port":1})");
    const auto all = take();
    ASSERT_THAT(names(all), ElementsAre("a", "b", "d", "nvmeof/c"));
    EXPECT_FALSE(all[0].owner);
    EXPECT_FALSE(all[1].published);
    EXPECT_TRUE(all[2].published);
    EXPECT_THAT(all[2].problem, HasSubstr("JSON"));
    EXPECT_THAT(all[2].problem, HasSubstr("ip_or_host_name"));
    EXPECT_TRUE(all[3].is_static);
    EXPECT_EQ(all[3].bytes, 7U);
}

TEST_F(Inventory, LeavesOutWhatIsNoSegment) {
    put("mooncake/checkpoint/model", "{}");
    put("mooncake/note", "{}");
    put("other/ram/x", kTcp);
    put("mooncake/blue/ram/y", kTcp);
    EXPECT_THAT(names(take("blue")), ElementsAre("y"));
    put("mooncake/blue/rpc_meta/y", kMeta);
    const auto all = takeInventory(store_, KeyNames(), std::nullopt, {});
    ASSERT_TRUE(all);
    EXPECT_THAT(names(all->segments), ElementsAre());
    EXPECT_EQ(all->other_clusters, 2U);
    EXPECT_EQ(all->checkpoints, 1U);
    EXPECT_EQ(all->unknown, 1U);
    EXPECT_EQ(all->keys(), 4U);
}

TEST_F(Inventory, OfManyPages) {
    for (int i = 0; i < 2500; ++i)
        put("mooncake/ram/" + std::to_string(i), kTcp);
    EXPECT_EQ(take().size(), 2500U);
}

TEST_F(Inventory, OfOneSegment) {
    put("mooncake/ram/node1", kTcp);
    const auto one = inspectSegment(store_, KeyNames(), "node1", std::nullopt);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->name, "node1");
    EXPECT_EQ(one->bytes, 150U);
    EXPECT_FALSE(one->owner);
    const auto none = inspectSegment(store_, KeyNames(), "node2", std::nullopt);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::NotFound);
    EXPECT_FALSE(inspectSegment(store_, KeyNames(), "", std::nullopt));
}

}  // namespace
}  // namespace mc::metadata
