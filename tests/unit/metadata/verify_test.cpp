#include "metadata/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/daemon_fixture.h"
#include "metadata/memory_store.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string rpcMeta(const std::string& host, std::uint16_t port) {
    return encodeRpcMeta({host, port});
}

std::string descriptor(const std::string& name, const std::string& timestamp = {}, int data_port = 1) {
    return R"({"buffers":[{"addr":4096,"length":100,"name":"n"}],"name":")" + name +
           R"(","protocol":"tcp","tcp_data_port":)" + std::to_string(data_port) + R"(,"timestamp":")" + timestamp +
           R"("})";
}

std::string filesDescriptor(const std::string& name) {
    return R"({"file_buffers":[{"align":0,"id":1,"path":"/f","size":4096}],"name":")" + name +
           R"(","nvmeof_generic_trid":{"adrfam":"ipv4","subnqn":"nqn.2016-06.io.mc:n","traddr":"h","trsvcid":"4420",)" +
           R"("trtype":"tcp"},"protocol":"nvmeof_generic","tcp_data_port":0,"timestamp":"2026-11-23 02:50:34.5"})";
}

class Verify : public testing::Test {
  protected:
    void put(const std::string& key, const std::string& value) {
        ASSERT_TRUE(store_.put(key, value, Precondition::any(), std::nullopt));
    }
    // Whoever is not named answers.
    std::vector<Finding> findings() {
        const auto inventory = takeInventory(store_, keys_, std::nullopt, {});
        std::vector<SegmentLook> looks(inventory->segments.size());
        for (std::size_t i = 0; i < looks.size(); ++i) {
            const auto& segment = inventory->segments[i];
            if (segment.owner)
                looks[i].owner =
                    OwnerProbe{states_.contains(segment.name) ? states_.at(segment.name) : OwnerState::Alive, "told"};
        }
        return findProblems(*inventory, keys_, looks);
    }

    MemoryStore store_;
    const KeyNames keys_;
    std::map<std::string, OwnerState> states_;
};

std::vector<std::string> brief(const std::vector<Finding>& findings) {
    std::vector<std::string> all;
    for (const auto& finding : findings)
        all.push_back(finding.segment + ":" + toString(finding.kind));
    return all;
}

TEST_F(Verify, FindsNothingWhereAllIsWell) {
    put("mooncake/ram/node", descriptor("node"));
    put("mooncake/rpc_meta/node", rpcMeta("10.0.0.1", 1));
    put("mooncake/nvmeof/files",
        R"({"buffers":[{"file_path":"/f","length":7,"local_path_map":{}}],"protocol":"nvmeof","server_name":"s"})");
    put("mooncake/ram/reserved", R"({"buffers":[],"name":"reserved","protocol":"tcp","tcp_data_port":1})");
    put("mooncake/ram/node-files", descriptor("node", {}, 2));
    put("mooncake/checkpoint/x", "{}");
    put("mooncake/whatever", "no JSON");
    put("mooncake/blue/rpc_meta/x", rpcMeta("10.0.0.1", 1));
    EXPECT_THAT(brief(findings()), IsEmpty());
}

TEST_F(Verify, TellsTheOwnersApart) {
    for (const std::string name : {"dead", "silent", "unknown"}) {
        put("mooncake/ram/" + name, descriptor(name));
        put("mooncake/rpc_meta/" + name, rpcMeta(name, 1));
    }
    put("mooncake/rpc_meta/bare", rpcMeta("bare", 1));
    states_ = {{"dead", OwnerState::Refused}, {"silent", OwnerState::Silent}, {"unknown", OwnerState::Unknown}};
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("bare:no_descriptor", "dead:dead_owner", "silent:silent_owner",
                                          "unknown:unreachable_owner"));
    EXPECT_THAT(found[1].keys, ElementsAre("mooncake/ram/dead", "mooncake/rpc_meta/dead"));
    EXPECT_EQ(found[1].cause, "nobody listens at its owner's address dead:1: told");
    ASSERT_EQ(found[1].remedies.size(), 1U);
    EXPECT_EQ(found[1].remedies[0].kind, Remedy::Kind::Gc);
    EXPECT_EQ(found[1].remedies[0].object, "dead");
    EXPECT_EQ(found[2].remedies.at(0).kind, Remedy::Kind::GcSilent);
    EXPECT_THAT(found[3].remedies, IsEmpty());
    EXPECT_THAT(found[3].advice, HasSubstr("on a machine from which it can be reached"));
}

TEST_F(Verify, NamesTheKeyWhoseValueIsWrong) {
    put("mooncake/ram/a", "no JSON");
    put("mooncake/rpc_meta/b", R"({"ip_or_host_name":"h"})");
    put("mooncake/ram/c", R"({"buffers":[],"protocol":"telepathy"})");
    put("mooncake/ram/d", "{");
    put("mooncake/rpc_meta/d", rpcMeta("h", 1));
    put("mooncake/ram/e", "{");
    put("mooncake/rpc_meta/e", rpcMeta("g", 1));
    states_["e"] = OwnerState::Refused;
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("a:bad_descriptor", "b:bad_rpc_meta", "c:bad_descriptor", "d:bad_descriptor",
                                          "e:bad_descriptor", "e:dead_owner"));
    EXPECT_THAT(found[0].cause, HasSubstr("JSON"));
    EXPECT_EQ(found[0].remedies.at(0).object, "mooncake/ram/a");
    EXPECT_EQ(found[0].remedies.at(0).version, store_.get("mooncake/ram/a", std::nullopt)->version);
    EXPECT_THAT(found[1].cause, HasSubstr("rpc_port"));
    EXPECT_EQ(found[1].remedies.at(0).object, "mooncake/rpc_meta/b");
    EXPECT_THAT(found[2].cause, HasSubstr("telepathy"));
    EXPECT_THAT(found[3].remedies, IsEmpty());
    EXPECT_THAT(found[3].advice, HasSubstr("restart"));
    EXPECT_EQ(found[4].remedies.at(0).kind, Remedy::Kind::Gc);
}

TEST_F(Verify, FindsOwnersThatCantBeFound) {
    put("mooncake/ram/alone", descriptor("alone"));
    put("mooncake/ram/renamed", descriptor("other"));
    put("mooncake/rpc_meta/renamed", rpcMeta("h", 1));
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("alone:no_rpc_meta", "renamed:wrong_name"));
    EXPECT_THAT(found[0].cause, HasSubstr("mooncake/rpc_meta/alone"));
    EXPECT_EQ(found[0].remedies.at(0).object, "mooncake/ram/alone");
    EXPECT_THAT(found[1].cause, HasSubstr("mooncake/rpc_meta/other"));
}

TEST_F(Verify, FindsAddressesThatAreSharedAndTheNewestOfThem) {
    put("mooncake/ram/a", descriptor("a", "2026-11-21 02:50:34.5"));
    put("mooncake/ram/b", descriptor("b", "2026-11-22 02:50:34.5"));
    put("mooncake/rpc_meta/a", rpcMeta("h", 1));
    put("mooncake/rpc_meta/b", rpcMeta("h", 1));
    put("mooncake/rpc_meta/dead", rpcMeta("h", 1));
    states_["dead"] = OwnerState::Refused;
    auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("dead:dead_owner", "a:shared_address"));
    EXPECT_EQ(found[1].cause, "a, b are all at h:1, where only one can be");
    ASSERT_EQ(found[1].remedies.size(), 2U);
    EXPECT_EQ(found[1].remedies[0].object, "mooncake/ram/a");
    EXPECT_EQ(found[1].remedies[1].object, "mooncake/rpc_meta/a");

    put("mooncake/rpc_meta/b", rpcMeta("h", 2));
    put("mooncake/ram/b", descriptor("b"));
    found = findings();
    ASSERT_THAT(brief(found), ElementsAre("dead:dead_owner", "a:shared_data_port"));
    EXPECT_THAT(found[1].remedies, IsEmpty());
    EXPECT_THAT(found[1].advice, HasSubstr("see which of them lives"));
}

TEST_F(Verify, TakesFilesBesideMemoryForOneEngines) {
    put("mooncake/ram/a", descriptor("a", "2026-11-22 02:50:34.5"));
    put("mooncake/ram/a-files", filesDescriptor("a-files"));
    put("mooncake/rpc_meta/a", rpcMeta("h", 1));
    put("mooncake/rpc_meta/a-files", rpcMeta("h", 1));
    EXPECT_THAT(brief(findings()), IsEmpty());

    put("mooncake/rpc_meta/a", rpcMeta("h", 2));
    put("mooncake/ram/b", descriptor("b", "2026-11-22 02:50:34.5", 2));
    put("mooncake/rpc_meta/b", rpcMeta("h", 1));
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("a-files:shared_address"));
    EXPECT_EQ(found[0].cause, "a-files, b are all at h:1, where only one can be");
}

TEST_F(Verify, TellsOfADeadEnginesFilesHowAllTheirKeysGo) {
    put("mooncake/ram/files", filesDescriptor("files"));
    EXPECT_THAT(brief(findings()), IsEmpty());  // Hosts need no rpc_meta.
    put("mooncake/rpc_meta/files", rpcMeta("h", 1));
    states_["files"] = OwnerState::Refused;
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("files:dead_owner"));
    ASSERT_EQ(found[0].remedies.size(), 1U);
    EXPECT_EQ(found[0].remedies[0].kind, Remedy::Kind::Gc);
    EXPECT_EQ(found[0].remedies[0].object, "files");
}

TEST_F(Verify, TellsWhatIsWrongWithBuffers) {
    put("mooncake/ram/node",
        R"({"buffers":[{"addr":4096,"length":100,"name":"n"},{"addr":4100,"length":1,"name":"n"}],"name":"node",)"
        R"("protocol":"tcp","tcp_data_port":0})");
    put("mooncake/rpc_meta/node", rpcMeta("h", 1));
    put("mooncake/nvmeof/disk",
        R"({"buffers":[{"file_path":"/dev/sda","length":0,"local_path_map":{}}],"protocol":"nvmeof"})");
    const auto found = findings();
    ASSERT_THAT(brief(found), ElementsAre("node:bad_buffers", "node:bad_buffers", "nvmeof/disk:bad_buffers"));
    EXPECT_EQ(found[0].cause, "buffers[0] and buffers[1] overlap: 0x1000+100 and 0x1004+1");
    EXPECT_EQ(found[1].cause, "tcp_data_port is 0");
    EXPECT_THAT(found[2].cause, HasSubstr("/dev/sda, has no bytes"));
}

class VerifyLive : public DaemonFixture {};

TEST_F(VerifyLive, AsksOwnersAndConnectsToDataPorts) {
    start();
    const std::string address = rpcMeta("127.0.0.1", port_);
    const FileDescriptor data = io::listenOn(loopback(), 1).value();
    const int open = io::localAddress(data).port();
    FileDescriptor gone = io::listenOn(loopback(), 1).value();
    const int closed = io::localAddress(gone).port();
    gone.reset();
    MemoryStore store;
    const auto put = [&](const std::string& key, const std::string& value) {
        ASSERT_TRUE(store.put(key, value, Precondition::any(), std::nullopt));
    };
    put("mooncake/ram/a", descriptor("a", {}, open));
    put("mooncake/rpc_meta/a", address);
    put("mooncake/ram/b", descriptor("b", {}, closed));
    put("mooncake/rpc_meta/b", address);
    put("mooncake/ram/c", descriptor("c", {}, closed));
    put("mooncake/rpc_meta/c", rpcMeta("127.0.0.1", static_cast<std::uint16_t>(closed)));
    const auto inventory = takeInventory(store, KeyNames(), std::nullopt, {});
    ASSERT_TRUE(inventory);
    const auto looks = lookAtAll(*inventory, {}, {});
    ASSERT_EQ(looks.size(), 3U);
    EXPECT_EQ(looks[0].owner->state, OwnerState::Alive);
    EXPECT_EQ(looks[0].data_port_problem, "");
    EXPECT_EQ(looks[1].owner->state, OwnerState::Alive);
    EXPECT_THAT(looks[1].data_port_problem, HasSubstr("Connection refused"));
    EXPECT_EQ(looks[2].owner->state, OwnerState::Refused);
    EXPECT_EQ(looks[2].data_port_problem, "");

    for (const auto& look : lookAtAll(*inventory, {.call = {}, .loopback_is_here = false}, {}))
        EXPECT_EQ(look.owner->state, OwnerState::Unknown);
}

TEST_F(Verify, LoopbackAddressesOfSeveralMachinesAreNotShared) {
    put("mooncake/rpc_meta/a", rpcMeta("127.0.0.1", 1));
    put("mooncake/rpc_meta/b", rpcMeta("127.0.0.1", 1));
    states_ = {{"a", OwnerState::Unknown}, {"b", OwnerState::Unknown}};
    EXPECT_THAT(brief(findings()), ElementsAre("a:unreachable_owner", "b:unreachable_owner"));
}

}  // namespace
}  // namespace mc::metadata
