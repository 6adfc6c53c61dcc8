#include "control/memory_methods.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/methods.h"

namespace mc::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class MemoryMethods : public testing::Test {
  protected:
    json call(std::string_view method, const json& params) {
        const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
        return json::parse(methods_.answer(request.dump()).value());
    }
    std::string refused(std::string_view method, const json& params) {
        const json reply = call(method, params);
        EXPECT_EQ(reply["error"]["code"], -32602) << reply;
        return reply["error"]["message"];
    }

    std::unique_ptr<Target> target_ = Target::open({.metadata_server = "P2PHANDSHAKE",
                                                    .server_name = "127.0.0.1",
                                                    .protocol = "tcp",
                                                    .memory = {{.size = 8192, .node = {}}},
                                                    .engine = {}})
                                          .value();
    RpcMethods methods_ = targetMethods(*target_, "/run/t.sock");
};

TEST_F(MemoryMethods, AddAndRemoveWhileItServes) {
    TransferEngine initiator;
    ASSERT_TRUE(initiator.init("P2PHANDSHAKE", "127.0.0.1"));
    ASSERT_TRUE(initiator.installTransport("tcp"));
    const auto segment = initiator.openSegment(target_->name()).value();

    const json added = call("add_memory", {{"memory", json::array({"4KiB", "64k"})}})["result"];
    EXPECT_EQ(added["name"], target_->name());
    EXPECT_EQ(added["dry_run"], false);
    EXPECT_EQ(added["buffers_served"], 3);
    ASSERT_EQ(added["buffers"].size(), 2);
    EXPECT_EQ(added["buffers"][1]["number"], 2);
    EXPECT_EQ(added["buffers"][1]["length_bytes"], 65536);
    EXPECT_EQ(call("status", json::object())["result"]["buffers"][1], added["buffers"][0]);

    std::vector<std::byte> local(65536, std::byte{42});
    ASSERT_TRUE(initiator.registerLocalMemory(local.data(), local.size()));
    const auto batch = initiator.allocateBatchID(2).value();
    TransferRequest request;
    request.opcode = Opcode::Write;
    request.source = local.data();
    request.target_id = segment;
    request.target_offset = added["buffers"][1]["addr"];
    request.length = local.size();
    // The initiator looks the segment up again by itself.
    ASSERT_TRUE(initiator.submitTransfer(batch, {&request, 1}));
    ASSERT_TRUE(initiator.waitBatch(batch, std::chrono::seconds(20)));
    EXPECT_EQ(initiator.getTransferStatus(batch, 0)->s, TaskStatus::COMPLETED);

    const std::string address = fmt::format("{:#x}", added["buffers"][0]["addr"].get<std::uint64_t>());
    const json removed = call("remove_memory", {{"buffers", json::array({"2", address})}})["result"];
    EXPECT_EQ(removed["buffers"], added["buffers"]);
    EXPECT_EQ(removed["buffers_served"], 1);
    ASSERT_TRUE(initiator.syncSegmentCache());
    EXPECT_EQ(initiator.segmentDescriptor(segment).value()->buffers.size(), 1);
    ASSERT_TRUE(initiator.submitTransfer(batch, {&request, 1}));
    ASSERT_TRUE(initiator.waitBatch(batch, std::chrono::seconds(20)));
    EXPECT_EQ(initiator.getTransferStatus(batch, 1)->s, TaskStatus::INVALID);
    ASSERT_TRUE(initiator.freeBatchID(batch));
}

TEST_F(MemoryMethods, ADryRunChangesNothing) {
    const json added = call("add_memory", {{"memory", json::array({"4KiB"})}, {"dry_run", true}})["result"];
    EXPECT_EQ(added["dry_run"], true);
    EXPECT_EQ(added["buffers_served"], 1);
    ASSERT_TRUE(call("add_memory", {{"memory", json::array({"4KiB"})}}).contains("result"));
    const json removed = call("remove_memory", {{"buffers", json::array({"1"})}, {"dry_run", true}})["result"];
    EXPECT_EQ(removed["buffers"][0]["number"], 1);
    EXPECT_EQ(removed["buffers_served"], 2);
    EXPECT_EQ(call("remove_memory", {{"buffers", json::array({"5"})}, {"dry_run", true}})["error"]["data"]["code"],
              "not_found");
    EXPECT_EQ(call("remove_memory", {{"buffers", json::array({"1", "0"})}, {"dry_run", true}})["error"]["data"]["code"],
              "busy");
    EXPECT_EQ(call("add_memory", {{"memory", json::array({"8191TiB"})}, {"dry_run", true}})["error"]["data"]["code"],
              "system");
    EXPECT_TRUE(call("remove_memory", {{"buffers", json::array({"5"})}, {"ignore_missing", true}})["result"]["buffers"]
                    .empty());
}

TEST_F(MemoryMethods, WrongParamsAreNamed) {
    EXPECT_THAT(refused("add_memory", json::array({"4KiB"})), HasSubstr("must be an object"));
    EXPECT_THAT(refused("add_memory", json::object()), HasSubstr("\"memory\" must be a list of strings"));
    EXPECT_THAT(refused("add_memory", {{"memory", json::array()}}), HasSubstr("\"memory\""));
    EXPECT_THAT(refused("add_memory", {{"memory", "4KiB"}}), HasSubstr("\"memory\""));
    EXPECT_THAT(refused("add_memory", {{"memory", json::array({4096})}}), HasSubstr("\"memory\""));
    EXPECT_THAT(refused("add_memory", {{"memory", json::array({"4KiB@gpu:0"})}}), HasSubstr("memory 4KiB@gpu:0"));
    EXPECT_THAT(refused("add_memory", {{"memory", json::array({"4KiB@cpu:4000"})}}), HasSubstr("no such NUMA node"));
    EXPECT_THAT(refused("add_memory", {{"memory", json::array({"4KiB"})}, {"dryrun", true}}),
                HasSubstr("\"dryrun\" is unknown"));
    EXPECT_THAT(refused("remove_memory", {{"buffers", json::array({"one"})}}), HasSubstr("\"one\" is neither"));
    EXPECT_THAT(refused("remove_memory", {{"buffers", json::array({1})}}), HasSubstr("\"buffers\""));
    EXPECT_THAT(refused("remove_memory", {{"buffers", json::array({"0"})}, {"dry_run", "yes"}}),
                HasSubstr("true or false"));
    EXPECT_EQ(target_->buffers().size(), 1);
}

}  // namespace
}  // namespace mc::control
