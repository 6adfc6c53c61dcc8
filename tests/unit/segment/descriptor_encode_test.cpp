// The bytes that stock programs write, member for member.
#include <gtest/gtest.h>

#include "mc/segment.h"

namespace mc {
namespace {

const char* const kGid = "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce";

SegmentDescriptor common(std::string protocol) {
    SegmentDescriptor descriptor;
    descriptor.name = "node1";
    descriptor.protocols = {std::move(protocol)};
    descriptor.tcp_data_port = 7;
    descriptor.timestamp = "T";
    return descriptor;
}

void expectRoundTrip(const SegmentDescriptor& descriptor) {
    const auto again = decodeSegmentDescriptor(encodeSegmentDescriptor(descriptor));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, descriptor);
}

TEST(EncodeDescriptor, TcpIsByteForByteWhatAStockTargetAnswers) {
    SegmentDescriptor descriptor;
    descriptor.name = "127.0.0.1:16717";
    descriptor.protocols = {"tcp"};
    descriptor.tcp_data_port = 16310;
    descriptor.tcp_proto_version = 2;
    descriptor.timestamp = "2026-11-21 02:50:34.534836";
    descriptor.buffers = {{.name = "127.0.0.1:16717", .addr = 140082153680896, .length = 1048576}};
    const std::string text = encodeSegmentDescriptor(descriptor);
    EXPECT_EQ(text, R"({"buffers":[{"addr":140082153680896,"length":1048576,"name":"127.0.0.1:16717"}],)"
                    R"("name":"127.0.0.1:16717","protocol":"tcp","tcp_data_port":16310,"tcp_proto_version":2,)"
                    R"("timestamp":"2026-11-21 02:50:34.534836"})");
    EXPECT_EQ(text.size() + 2, 209U);  // Framed with a type byte and a newline, as observed.
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, TcpHasNoMembersOfOtherProtocols) {
    SegmentDescriptor descriptor = common("tcp");
    descriptor.devices = {{.name = "mlx5_2", .lid = 1, .gid = kGid}};
    descriptor.priority_matrix = {{"cpu:0", {}}};
    descriptor.buffers = {{.name = "node1", .addr = 1, .length = 2, .rkey = {3}, .lkey = {4}, .protocol = "tcp"}};
    descriptor.file_buffers = {{.id = 1, .path = "/f"}};
    EXPECT_EQ(encodeSegmentDescriptor(descriptor),
              R"({"buffers":[{"addr":1,"length":2,"name":"node1"}],"name":"node1","protocol":"tcp","tcp_data_port":7,)"
              R"("tcp_proto_version":1,"timestamp":"T"})");
}

TEST(EncodeDescriptor, RdmaHasDevicesKeysAndBothListsOfTheMatrix) {
    SegmentDescriptor descriptor = common("rdma");
    descriptor.rdma_server_name = "10.0.0.1:12001";
    descriptor.devices = {{.name = "mlx5_2", .lid = 17, .gid = kGid}};
    descriptor.priority_matrix = {{"cuda:0", {{"mlx5_2"}, {}}}, {"cpu:0", {{}, {"mlx5_2"}}}};
    descriptor.buffers = {{.name = "cpu:0", .addr = 1, .length = 2, .rkey = {3}, .lkey = {4294967295}}};
    EXPECT_EQ(encodeSegmentDescriptor(descriptor),
              std::string(R"({"buffers":[{"addr":1,"length":2,"lkey":[4294967295],"name":"cpu:0","rkey":[3]}],)") +
                  R"("devices":[{"gid":")" + kGid + R"(","lid":17,"name":"mlx5_2"}],"name":"node1",)" +
                  R"("priority_matrix":{"cpu:0":[[],["mlx5_2"]],"cuda:0":[["mlx5_2"],[]]},"protocol":"rdma",)" +
                  R"("rdma_server_name":"10.0.0.1:12001","tcp_data_port":7,"tcp_proto_version":1,"timestamp":"T"})");
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, EfaHasKeysOf64Bits) {
    SegmentDescriptor descriptor = common("efa");
    descriptor.devices = {{.name = "rdmap0s6", .lid = 0, .gid = "fe80"}};
    descriptor.buffers = {{.name = "cpu:0", .addr = 1, .length = 2, .rkey = {UINT64_MAX}, .lkey = {5}}};
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, NvmeofIsWhatRegisterPyWrote) {
    SegmentDescriptor descriptor;
    descriptor.name = "node0";
    descriptor.protocols = {"nvmeof"};
    descriptor.legacy_files = {{.file_path = "/mnt/nvme0", .length = 9, .local_path_map = {{"b", "/2"}, {"a", "/1"}}}};
    EXPECT_EQ(encodeSegmentDescriptor(descriptor),
              R"({"buffers":[{"file_path":"/mnt/nvme0","length":9,"local_path_map":{"a":"/1","b":"/2"}}],)"
              R"("protocol":"nvmeof","server_name":"node0"})");
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, NvmeofGenericHasTransportIdAndFilesButNoBuffers) {
    SegmentDescriptor descriptor = common("nvmeof_generic");
    descriptor.nvme_trid = {"tcp", "ipv4", "127.0.0.1", "4420", "nqn.2016-06.io.mc:node1"};
    descriptor.file_buffers = {{.id = 1, .path = "/dev/nvme0n1", .size = 1024, .align = 0}};
    EXPECT_EQ(encodeSegmentDescriptor(descriptor),
              R"({"file_buffers":[{"align":0,"id":1,"path":"/dev/nvme0n1","size":1024}],"name":"node1",)"
              R"("nvmeof_generic_trid":{"adrfam":"ipv4","subnqn":"nqn.2016-06.io.mc:node1","traddr":"127.0.0.1",)"
              R"("trsvcid":"4420","trtype":"tcp"},"protocol":"nvmeof_generic","tcp_data_port":7,"timestamp":"T"})");
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, SeveralProtocolsAreAnArrayAndEachBufferNamesItsOwn) {
    SegmentDescriptor descriptor = common("rdma");
    descriptor.protocols.emplace_back("tcp");
    descriptor.devices = {{.name = "mlx5_2", .lid = 17, .gid = kGid}};
    descriptor.buffers = {{.name = "cpu:0", .addr = 1, .length = 2, .rkey = {3}, .lkey = {4}, .protocol = "rdma"},
                          {.name = "node1", .addr = 1, .length = 2, .protocol = "tcp"}};
    EXPECT_EQ(
        encodeSegmentDescriptor(descriptor),
        std::string(R"({"buffers":[{"addr":1,"length":2,"lkey":[4],"name":"cpu:0","protocol":"rdma","rkey":[3]},)") +
            R"({"addr":1,"length":2,"name":"node1","protocol":"tcp"}],"devices":[{"gid":")" + kGid +
            R"(","lid":17,"name":"mlx5_2"}],"name":"node1","priority_matrix":{},"protocol":["rdma","tcp"],)" +
            R"("tcp_data_port":7,"tcp_proto_version":1,"timestamp":"T"})");
    expectRoundTrip(descriptor);
}

TEST(EncodeDescriptor, NamesBeyondAsciiAreEscapedAndSurvive) {
    SegmentDescriptor descriptor = common("tcp");
    descriptor.name = "Knoten ä中😀 \"\\\n";
    EXPECT_NE(encodeSegmentDescriptor(descriptor).find(R"("name":"Knoten \u00e4\u4e2d\ud83d\ude00 \"\\\n")"),
              std::string::npos);
    expectRoundTrip(descriptor);
}

// Members in the order in which they are written, so that nothing else changes.
TEST(EncodeDescriptor, MembersOfOtherVendorsSurviveBeingReadAndWritten) {
    const std::string_view texts[] = {
        R"({"a_vendor":{"deep":[1,-2,2.5,true,null,"\u00e9"]},"buffers":[{"addr":1,"length":2,"name":"n","zone":"z"}],)"
        R"("name":"n","nothing":null,"protocol":"tcp","tcp_data_port":1,"tcp_proto_version":2,"timestamp":""})",
        R"({"buffers":[{"file_path":"/f","length":1,"local_path_map":{},"owner":[]}],"protocol":"nvmeof",)"
        R"("server_name":"n","site":"x"})",
        R"({"file_buffers":[{"align":0,"id":1,"path":"/p","size":3,"tier":0}],"name":"n","nvmeof_generic_trid":)"
        R"({"adrfam":"","subnqn":"q","traddr":"","trsvcid":"","trtype":""},"protocol":"nvmeof_generic","rack":7,)"
        R"("tcp_data_port":0,"timestamp":""})",
    };
    for (const auto text : texts) {
        const auto descriptor = decodeSegmentDescriptor(text);
        ASSERT_TRUE(descriptor) << descriptor.error().message;
        EXPECT_EQ(encodeSegmentDescriptor(*descriptor), text);
    }
}

TEST(EncodeDescriptor, WhatIsOursCountsBeforeWhatIsOthers) {
    SegmentDescriptor descriptor;
    descriptor.name = "ours";
    descriptor.protocols = {"tcp"};
    descriptor.others = R"({"name":"theirs","x":1})";
    const auto text = encodeSegmentDescriptor(descriptor);
    EXPECT_TRUE(text.contains(R"("name":"ours")") && text.contains(R"("x":1)")) << text;
    descriptor.others = "no object";
    EXPECT_TRUE(decodeSegmentDescriptor(encodeSegmentDescriptor(descriptor)));
}

TEST(EncodeDescriptor, BytesThatAreNoTextAreReplaced) {
    SegmentDescriptor descriptor = common("tcp");
    descriptor.name = "a\xff";
    EXPECT_NE(encodeSegmentDescriptor(descriptor).find(R"("name":"a\ufffd")"), std::string::npos);
}

}  // namespace
}  // namespace mc
