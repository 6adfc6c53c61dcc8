#include "control/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/methods.h"
#include "io/available_memory.h"
#include "io/numa.h"

namespace mc::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(MemoryRequests, HaveASizeAndMayHaveANode) {
    const auto plain = parseMemoryRequest("1GiB");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->size, 1ULL << 30);
    EXPECT_FALSE(plain->node);
    const auto bound = parseMemoryRequest("64k@cpu:12");
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->size, 65536);
    EXPECT_EQ(bound->node, 12);
}

TEST(MemoryRequests, OfAnotherFormAreErrors) {
    for (const char* text : {"", "0", "x", "1GiB@", "1GiB@cpu", "1GiB@cpu:", "1GiB@cpu:-1", "1GiB@cpu:0x", "1GiB@gpu:0",
                             "@cpu:0", "1GiB@cpu:99999999999", "-1", "16777216TiB"}) {
        const auto request = parseMemoryRequest(text);
        ASSERT_FALSE(request) << text;
        EXPECT_EQ(request.error().code, ErrorCode::InvalidArgument) << text;
    }
}

TargetOptions options(std::vector<MemoryRequest> memory) {
    return {.metadata_server = "P2PHANDSHAKE",
            .server_name = "127.0.0.1",
            .protocol = "tcp",
            .memory = std::move(memory),
            .engine = {}};
}

TEST(Target, ServesWhatItSays) {
    const int node = io::numaNodes().front().id;
    const auto target = Target::open(options({{.size = 1 << 20, .node = node}, {.size = 8192, .node = {}}}));
    ASSERT_TRUE(target) << target.error().message;
    TransferEngine initiator;
    ASSERT_TRUE(initiator.init("P2PHANDSHAKE", "127.0.0.1"));
    ASSERT_TRUE(initiator.installTransport("tcp"));
    const auto segment = initiator.openSegment((*target)->engine().localServerName());
    ASSERT_TRUE(segment) << segment.error().message;
    const auto remote = initiator.segmentDescriptor(*segment).value();

    const RpcMethods methods = targetMethods(**target, "/run/t.sock");
    const auto ask = [&] {
        return json::parse(methods.answer(R"({"jsonrpc":"2.0","id":1,"method":"status"})").value())["result"];
    };
    const json before = ask();
    EXPECT_EQ(before["schema_version"], 1);
    EXPECT_EQ(before["name"], (*target)->engine().localServerName());
    EXPECT_EQ(before["control_socket"], "/run/t.sock");
    EXPECT_EQ(before["data_port"], remote->tcp_data_port);
    EXPECT_EQ(before["keys"], json::array());
    ASSERT_EQ(before["buffers"].size(), 2);
    ASSERT_EQ(remote->buffers.size(), 2);
    for (const json& buffer : before["buffers"]) {
        EXPECT_TRUE(std::ranges::any_of(remote->buffers, [&](const auto& published) {
            return buffer["addr"] == published.addr && buffer["length_bytes"] == published.length;
        }));
    }
    EXPECT_EQ(before["buffers"][0]["location"], "cpu:" + std::to_string(node));
    EXPECT_EQ(before["bytes_served"], 0);

    std::vector<std::byte> local(4096);
    ASSERT_TRUE(initiator.registerLocalMemory(local.data(), local.size()));
    const auto batch = initiator.allocateBatchID(1).value();
    TransferRequest request;
    request.opcode = Opcode::Write;
    request.source = local.data();
    request.target_id = *segment;
    request.target_offset = remote->buffers[0].addr;
    request.length = local.size();
    ASSERT_TRUE(initiator.submitTransfer(batch, {&request, 1}));
    ASSERT_TRUE(initiator.waitBatch(batch, std::chrono::seconds(20)));
    ASSERT_EQ(initiator.getTransferStatus(batch, 0)->s, TaskStatus::COMPLETED);
    const json after = ask();
    EXPECT_GE(after["bytes_served"], 4096);
    EXPECT_GE(after["requests_served"], 1);
    EXPECT_GE(after["connections"], 1);
    ASSERT_TRUE(initiator.freeBatchID(batch));
}

TEST(Target, DoesNotTellThePasswordOfItsStore) {
    auto with_store = options({{.size = 4096, .node = {}}});
    with_store.metadata_server = "memory:";
    const auto target = Target::open(with_store);
    ASSERT_TRUE(target) << target.error().message;
    const auto status = (*target)->status();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->metadata_server, "memory:");
    EXPECT_EQ(status->keys.size(), 2);
}

TEST(Target, IsNotPublishedOnceAStopWasRequested) {
    std::stop_source stop;
    stop.request_stop();
    auto stopped = options({{.size = 4096, .node = {}}});
    stopped.stop = stop.get_token();
    stopped.metadata_server = "no store's name";  // Would be an error if it were looked at.
    const auto target = Target::open(stopped);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(*target, nullptr);
}

TEST(Target, SaysWhichNodesThereAre) {
    const auto target = Target::open(options({{.size = 4096, .node = 4000}}));
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(target.error().message, HasSubstr("memory 4KiB@cpu:4000: this machine has no such NUMA node"));
    EXPECT_THAT(target.error().hint, HasSubstr("it has cpu:"));
}

TEST(Target, LooksAtTheSumOfItsMemoryBeforeItTakesAny) {
    const auto available = io::availableMemory();
    ASSERT_TRUE(available);
    const std::uint64_t half = (*available / 2) + (2ULL << 30);
    const auto target = Target::open(options({{.size = half, .node = {}}, {.size = half, .node = {}}}));
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::System);
    EXPECT_THAT(target.error().message, HasSubstr("MiB of memory are available"));
    const auto overflow = Target::open(options({{.size = 1ULL << 63, .node = {}}, {.size = 1ULL << 63, .node = {}}}));
    ASSERT_FALSE(overflow);
    EXPECT_EQ(overflow.error().code, ErrorCode::System);
    EXPECT_EQ(Target::open(options({})).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace mc::control
