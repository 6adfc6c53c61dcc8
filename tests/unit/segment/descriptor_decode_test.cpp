// What is understood: every protocol, both spellings, and descriptors with members left out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mc/segment.h"

namespace mc {
namespace {

const std::string kGid = "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce";

SegmentDescriptor decode(std::string_view text) {
    const auto descriptor = decodeSegmentDescriptor(text);
    EXPECT_TRUE(descriptor) << descriptor.error().message;
    return descriptor.value_or(SegmentDescriptor{});
}

TEST(DecodeDescriptor, TcpOfAStockTarget) {
    const auto descriptor = decode(
        R"({"buffers":[{"addr":140082153680896,"length":1048576,"name":"127.0.0.1:16717"}],"name":"127.0.0.1:16717",)"
        R"("protocol":"tcp","tcp_data_port":16310,"tcp_proto_version":2,"timestamp":"2026-11-21 02:50:34.534836"})"
        "\n");
    EXPECT_EQ(descriptor.name, "127.0.0.1:16717");
    EXPECT_EQ(descriptor.protocol(), "tcp");
    EXPECT_TRUE(descriptor.speaks("tcp"));
    EXPECT_FALSE(descriptor.speaks("rdma"));
    EXPECT_EQ(descriptor.tcp_data_port, 16310);
    EXPECT_EQ(descriptor.tcp_proto_version, 2);
    EXPECT_EQ(descriptor.timestamp, "2026-11-21 02:50:34.534836");
    ASSERT_EQ(descriptor.buffers.size(), 1U);
    EXPECT_EQ(descriptor.buffers[0],
              (MemoryBuffer{.name = "127.0.0.1:16717", .addr = 140082153680896, .length = 1048576}));
}

TEST(DecodeDescriptor, TcpOfTheNvmfBranchHasNoVersionButAnEmptyListOfFiles) {
    const auto descriptor = decode(R"({"buffers":[{"addr":1,"length":2,"name":"a"}],"file_buffers":[],"name":"n",)"
                                   R"("protocol":"tcp","tcp_data_port":16310,"timestamp":"T"})");
    EXPECT_EQ(descriptor.tcp_proto_version, 1);
    EXPECT_TRUE(descriptor.file_buffers.empty());
}

TEST(DecodeDescriptor, MissingAndNullMembersAreDefaults) {
    for (const auto* text :
         {R"({"protocol":"tcp"})", R"({"protocol":"tcp","name":null,"buffers":null,"tcp_data_port":null,)"
                                   R"("tcp_proto_version":null,"timestamp":null,"rdma_server_name":null})"}) {
        SegmentDescriptor expected;
        expected.protocols = {"tcp"};
        EXPECT_EQ(decode(text), expected);
    }
}

TEST(DecodeDescriptor, ServerNameAndOneListMatrixOfTheDocumentedExample) {
    const auto descriptor = decode(fmt::format(
        R"({{ "server_name": "node01", "protocol": "rdma",
             "devices": [{{"name": "mlx5_2", "lid": 17, "gid": "{0}"}}, {{"name": "mlx5_3", "lid": 22, "gid": "{0}"}}],
             "priority_matrix": {{"cpu:0": [["mlx5_2"], ["mlx5_3"]], "cuda:0": [["mlx5_3", "mlx5_2"]]}},
             "buffers": [{{"name": "cpu:0", "addr": 4096, "length": 8192, "rkey": [2088960, 2088704]}}] }})",
        kGid));
    EXPECT_EQ(descriptor.name, "node01");
    ASSERT_EQ(descriptor.devices.size(), 2U);
    EXPECT_EQ(descriptor.devices[1], (NicDevice{.name = "mlx5_3", .lid = 22, .gid = kGid}));
    EXPECT_EQ(descriptor.priority_matrix,
              (PriorityMatrix{{"cpu:0", {{"mlx5_2"}, {"mlx5_3"}}}, {"cuda:0", {{"mlx5_3", "mlx5_2"}, {}}}}));
    EXPECT_EQ(descriptor.buffers[0].rkey, (std::vector<std::uint64_t>{2088960, 2088704}));
    EXPECT_TRUE(descriptor.buffers[0].lkey.empty());
}

TEST(DecodeDescriptor, NameWinsOverServerName) {
    EXPECT_EQ(decode(R"({"protocol":"tcp","name":"a","server_name":"b"})").name, "a");
}

TEST(DecodeDescriptor, PreCreatedSegmentsHaveNoBuffersYet) {
    const auto descriptor =
        decode(R"({"server_name":"n","protocol":"rdma","devices":[],"priority_matrix":{},"buffers":[]})");
    EXPECT_EQ(descriptor.name, "n");
    EXPECT_TRUE(descriptor.buffers.empty());
}

TEST(DecodeDescriptor, RdmaBuffersThatPeersMayNotTouchHaveNoRkey) {
    const auto descriptor =
        decode(fmt::format(R"({{"protocol":"rdma","devices":[{{"name":"m","lid":1,"gid":"{}"}}],"buffers":)"
                           R"([{{"name":"*","addr":1,"length":2,"rkey":[],"lkey":[7]}}]}})",
                           kGid));
    EXPECT_TRUE(descriptor.buffers[0].rkey.empty());
    EXPECT_EQ(descriptor.buffers[0].lkey, std::vector<std::uint64_t>{7});
}

TEST(DecodeDescriptor, OnlyRdmaHasGidsOfSixteenBytes) {
    for (const auto* protocol : {"barex", "efa", "cxi"}) {
        const auto descriptor =
            decode(fmt::format(R"({{"protocol":"{}","devices":[{{"name":"m","lid":0,"gid":"ignore"}}]}})", protocol));
        ASSERT_EQ(descriptor.devices.size(), 1U) << protocol;
        EXPECT_EQ(descriptor.devices[0].gid, "ignore");
    }
}

TEST(DecodeDescriptor, BarexKeysDoNotBelongToDevices) {
    const auto descriptor = decode(R"({"protocol":"barex","devices":[{"name":"m","gid":"ignore"}],"buffers":)"
                                   R"([{"name":"*","addr":1,"length":2,"rkey":[1,2,3],"lkey":[1,2,3]}]})");
    EXPECT_EQ(descriptor.buffers[0].rkey.size(), 3U);
}

TEST(DecodeDescriptor, PortOfOtherProtocolsIsWhateverStoodThere) {
    EXPECT_EQ(decode(R"({"protocol":"rdma","tcp_data_port":-2147483648})").tcp_data_port, INT32_MIN);
    EXPECT_EQ(decode(R"({"protocol":"nvlink","tcp_data_port":2147483647})").tcp_data_port, INT32_MAX);
}

TEST(DecodeDescriptor, LegacyFilesOfRegisterPy) {
    const auto descriptor =
        decode(R"({"server_name": "node0", "protocol": "nvmeof", "buffers": [{"length": 10, "file_path": "/a",)"
               R"( "local_path_map": {"node0": "/a", "node1": "/mnt/a"}}, {"length": 20}]})");
    EXPECT_EQ(descriptor.name, "node0");
    ASSERT_EQ(descriptor.legacy_files.size(), 2U);
    EXPECT_EQ(descriptor.legacy_files[0],
              (LegacyFile{.file_path = "/a", .length = 10, .local_path_map = {{"node0", "/a"}, {"node1", "/mnt/a"}}}));
    EXPECT_EQ(descriptor.legacy_files[1], (LegacyFile{.file_path = "", .length = 20, .local_path_map = {}}));
    EXPECT_TRUE(descriptor.buffers.empty());
}

TEST(DecodeDescriptor, NvmeofGenericAcceptsEmptyTransportMembers) {
    const auto descriptor = decode(
        R"({"name":"n","protocol":"nvmeof_generic","nvmeof_generic_trid":{"trtype":"tcp","adrfam":"","traddr":)"
        R"("::1","trsvcid":"4420","subnqn":"nqn.x:n"},"file_buffers":[{"id":4294967295,"path":"/f","size":1}]})");
    ASSERT_TRUE(descriptor.nvme_trid);
    EXPECT_EQ(*descriptor.nvme_trid, (NvmeTransportId{"tcp", "", "::1", "4420", "nqn.x:n"}));
    EXPECT_EQ(descriptor.file_buffers,
              (std::vector<FileBuffer>{{.id = 4294967295, .path = "/f", .size = 1, .align = 0}}));
}

TEST(DecodeDescriptor, SeveralProtocols) {
    const auto descriptor = decode(R"({"protocol":["hip","tcp"],"buffers":[{"name":"n","addr":1,"length":2,)"
                                   R"("protocol":"tcp"},{"name":"n","addr":1,"length":2,"protocol":"hip"}]})");
    EXPECT_EQ(descriptor.protocols, (std::vector<std::string>{"hip", "tcp"}));
    EXPECT_TRUE(descriptor.speaks("tcp"));
    EXPECT_EQ(descriptor.buffers[0].protocol, "tcp");
}

TEST(DecodeDescriptor, EveryProtocolOfTheReleases) {
    for (const auto* protocol : {"rdma", "barex", "efa", "cxi", "ub", "tcp", "nccl", "ascend", "nvlink", "nvlink_intra",
                                 "hip", "maca", "musa", "ubshmem", "sunrise_link", "cxl"}) {
        const auto descriptor = decode(fmt::format(
            R"({{"protocol":"{}","buffers":[{{"name":"n","addr":1,"length":2,"shm_name":"s"}}]}})", protocol));
        EXPECT_EQ(descriptor.buffers.size(), 1U) << protocol;
    }
}

TEST(DecodeDescriptor, RangesMayOverlapAndReachTheLastAddress) {
    const auto descriptor =
        decode(R"({"protocol":"tcp","buffers":[{"name":"n","addr":1,"length":18446744073709551614},)"
               R"({"name":"n","addr":18446744073709551614,"length":1}]})");
    EXPECT_EQ(descriptor.buffers[0].length, UINT64_MAX - 1);
}

TEST(DecodeDescriptor, UnknownMembersDoNotHurtHoweverDeep) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    const auto descriptor =
        decode(R"({"x":)" + deep + R"(,"y":{"name":[{}]},"protocol":"tcp","buffers":[{"name":"n",)" +
               R"("addr":1,"length":2,"z":[1.5,null,true,{"addr":"x"}]}],"name":"n"})");
    EXPECT_EQ(descriptor.name, "n");
    EXPECT_EQ(descriptor.others, R"({"y":{"name":[{}]}})") << "what is too deep is left out";
    EXPECT_EQ(descriptor.buffers,
              (std::vector<MemoryBuffer>{
                  {.name = "n", .addr = 1, .length = 2, .others = R"({"z":[1.5,null,true,{"addr":"x"}]})"}}));
}

TEST(DecodeDescriptor, UnknownMembersAreKeptUpToAMebibyte) {
    const auto text = [](std::size_t length) {
        return R"({"first":1,"large":")" + std::string(length, 'x') + R"(","last":-2,"protocol":"tcp"})";
    };
    EXPECT_GT(decode(text(1'000'000)).others.size(), 1'000'000U);
    EXPECT_EQ(decode(text(1 << 20)).others, R"({"first":1,"last":-2})");
}

TEST(DecodeDescriptor, LastOfSeveralMembersWins) {
    const auto descriptor =
        decode(R"({"name":"a","name":"b","protocol":["rdma","hip"],"protocol":"tcp","buffers":[{"name":"x","addr":9,)"
               R"("length":9}],"buffers":[{"name":"n","addr":1,"addr":2,"length":3}]})");
    EXPECT_EQ(descriptor.name, "b");
    EXPECT_EQ(descriptor.protocols, std::vector<std::string>{"tcp"});
    EXPECT_EQ(descriptor.buffers, (std::vector<MemoryBuffer>{{.name = "n", .addr = 2, .length = 3}}));
}

}  // namespace
}  // namespace mc
