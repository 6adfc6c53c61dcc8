// Descriptors that are well-typed but lie, and texts that are no JSON.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mc/segment.h"

namespace mc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGid = "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce";

std::string complaint(std::string_view text) {
    const auto descriptor = decodeSegmentDescriptor(text);
    if (descriptor) return "none";
    EXPECT_EQ(descriptor.error().code, ErrorCode::BadData);
    return descriptor.error().message;
}

std::string tcpBuffer(std::string_view members) {
    return fmt::format(R"({{"protocol":"tcp","buffers":[{{"name":"a","addr":1,"length":2}},{{{}}}]}})", members);
}

std::string rdma(std::string_view gid, std::string_view keys, std::string_view protocol = "rdma") {
    return fmt::format(R"({{"protocol":"{}","devices":[{{"name":"m0","gid":"{}"}},{{"name":"m1","gid":"{}"}}],)"
                       R"("buffers":[{{"name":"cpu:0","addr":1,"length":2,{}}}]}})",
                       protocol, kGid, gid, keys);
}

TEST(DescriptorLies, MemoryThatCannotBe) {
    EXPECT_EQ(complaint(tcpBuffer(R"("addr":1,"length":2)")), "segment descriptor: buffers[1].name: missing or empty");
    EXPECT_EQ(complaint(tcpBuffer(R"("name":"","addr":1,"length":2)")),
              "segment descriptor: buffers[1].name: missing or empty");
    EXPECT_EQ(complaint(tcpBuffer(R"("name":"a","addr":0,"length":2)")),
              "segment descriptor: buffers[1].addr: missing or 0");
    EXPECT_EQ(complaint(tcpBuffer(R"("name":"a","addr":1,"length":0)")),
              "segment descriptor: buffers[1].length: missing or 0");
    EXPECT_EQ(complaint(tcpBuffer(R"("name":"a","addr":18446744073709551615,"length":1)")),
              "segment descriptor: buffers[1].length: 1 bytes from address 0xffffffffffffffff go beyond 64 bits");
    EXPECT_EQ(complaint(tcpBuffer(R"("name":"a","addr":1,"length":18446744073709551614)")), "none");
}

TEST(DescriptorLies, PortAndVersionOfTcp) {
    EXPECT_EQ(complaint(R"({"protocol":"tcp","tcp_data_port":65536})"),
              "segment descriptor: tcp_data_port: expected a port from 0 to 65535, got 65536");
    EXPECT_EQ(complaint(R"({"protocol":["rdma","tcp"],"tcp_data_port":-1})"),
              "segment descriptor: tcp_data_port: expected a port from 0 to 65535, got -1");
    EXPECT_EQ(complaint(R"({"protocol":"tcp","tcp_proto_version":-1})"),
              "segment descriptor: tcp_proto_version: expected 1 or more, got -1");
    EXPECT_EQ(complaint(R"({"protocol":"tcp","tcp_data_port":65535,"tcp_proto_version":9})"), "none");
}

TEST(DescriptorLies, Protocols) {
    EXPECT_EQ(complaint("{}"), "segment descriptor: protocol: missing");
    EXPECT_EQ(complaint(R"({"protocol":""})"), "segment descriptor: protocol: missing");
    EXPECT_EQ(complaint(R"({"protocol":[]})"), "segment descriptor: protocol: missing");
    EXPECT_EQ(complaint(R"({"protocol":"TCP"})"), "segment descriptor: protocol: unknown protocol \"TCP\"");
    EXPECT_EQ(complaint(R"({"protocol":["tcp","x\u0007"]})"),
              "segment descriptor: protocol[1]: unknown protocol \"x?\"");
    EXPECT_EQ(complaint(R"({"protocol":["tcp","tcp"]})"),
              "segment descriptor: protocol[1]: \"tcp\" stands there twice");
    EXPECT_EQ(complaint(R"({"protocol":["tcp","nvmeof"]})"),
              "segment descriptor: protocol[1]: \"nvmeof\" can't share a segment with other protocols");
    const auto misspelt = decodeSegmentDescriptor(R"({"protocol":"rdna"})");
    ASSERT_FALSE(misspelt);
    EXPECT_EQ(misspelt.error().hint, "did you mean \"rdma\"?");
}

TEST(DescriptorLies, BuffersOfAProtocolThatTheSegmentDoesNotHave) {
    for (const auto* member : {"", R"(,"protocol":"rdma")"}) {
        EXPECT_THAT(complaint(fmt::format(
                        R"({{"protocol":["tcp","hip"],"buffers":[{{"name":"a","addr":1,"length":2{}}}]}})", member)),
                    StartsWith("segment descriptor: buffers[0].protocol: "));
    }
}

TEST(DescriptorLies, Devices) {
    EXPECT_EQ(complaint(R"({"protocol":"rdma","devices":[{"gid":"x"}]})"),
              "segment descriptor: devices[0].name: missing or empty");
    EXPECT_EQ(complaint(R"({"protocol":"efa","devices":[{"name":"m"}]})"),
              "segment descriptor: devices[0].gid: missing or empty");
    for (const std::string gid :
         {"fe:00", "fe80::1", "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:cg",
          "fe-80-00-00-00-00-00-00-ec-0d-9a-03-00-78-64-ce", "fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce:"}) {
        EXPECT_EQ(
            complaint(rdma(gid, R"("rkey":[1,2])")),
            fmt::format("segment descriptor: devices[1].gid: expected sixteen hex bytes joined by \":\", got \"{}\"",
                        gid));
    }
    EXPECT_EQ(complaint(rdma("FE:80:00:00:00:00:00:00:EC:0D:9A:03:00:78:64:CE", R"("rkey":[1,2])")), "none");
}

TEST(DescriptorLies, Keys) {
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1])")), "segment descriptor: buffers[0].rkey: 1 keys for 2 devices");
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1,2,3],"lkey":[1,2,3])")),
              "segment descriptor: buffers[0].rkey: 3 keys for 2 devices");
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1,2],"lkey":[1])")),
              "segment descriptor: buffers[0].rkey: 2 keys, but 1 in lkey");
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1,2],"lkey":[1])", "barex")),
              "segment descriptor: buffers[0].rkey: 2 keys, but 1 in lkey");
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1,4294967296],"lkey":[1,2])")),
              "segment descriptor: buffers[0].rkey[1]: expected at most 4294967295, got 4294967296");
    EXPECT_EQ(complaint(rdma(kGid, R"("lkey":[4294967296])", "barex")),
              "segment descriptor: buffers[0].lkey[0]: expected at most 4294967295, got 4294967296");
    EXPECT_EQ(complaint(rdma(kGid, R"("rkey":[1,4294967296],"lkey":[1,2])", "cxi")), "none");
}

TEST(DescriptorLies, MatrixWithMoreOrFewerListsThanTwo) {
    EXPECT_EQ(complaint(R"({"protocol":"rdma","priority_matrix":{"cpu:0":[[],[],[]]}})"),
              "segment descriptor: priority_matrix.cpu:0[2]: more than 2 elements");
    EXPECT_EQ(complaint(R"({"protocol":"rdma","priority_matrix":{"cpu:0":[]}})"),
              "segment descriptor: priority_matrix.cpu:0: neither a list of preferred nor one of available devices");
}

TEST(DescriptorLies, Files) {
    EXPECT_EQ(complaint(R"({"protocol":"nvmeof_generic"})"), "segment descriptor: nvmeof_generic_trid.trtype: missing");
    EXPECT_EQ(complaint(R"({"protocol":"nvmeof_generic","nvmeof_generic_trid":{"trtype":"tcp","adrfam":"ipv4",)"
                        R"("traddr":null,"trsvcid":"4420","subnqn":"n"}})"),
              "segment descriptor: nvmeof_generic_trid.traddr: missing");
    EXPECT_EQ(complaint(R"({"protocol":"nvmeof","buffers":[{"length":18446744073709551615},{"length":1}]})"),
              "segment descriptor: buffers[1].length: the files together go beyond 64 bits");
}

TEST(DescriptorText, NotJson) {
    EXPECT_THAT(complaint(""), StartsWith("segment descriptor: malformed JSON at byte 1: "));
    EXPECT_THAT(complaint(R"({"protocol":"tcp")"), HasSubstr("unexpected end of input"));
    EXPECT_THAT(complaint(R"({"protocol":"tcp"}x)"), StartsWith("segment descriptor: malformed JSON at byte 19: "));
    EXPECT_THAT(complaint(R"({"protocol":"tcp"}{})"), HasSubstr("malformed JSON"));
    EXPECT_THAT(complaint(std::string_view("{\"protocol\":\"tcp\"}\0", 19)),
                StartsWith("segment descriptor: malformed JSON at byte 19: a NUL byte"));
    EXPECT_THAT(complaint("{\"protocol\":\"tcp\",\"name\":\"\xff\"}"), HasSubstr("ill-formed UTF-8 byte"));
    EXPECT_THAT(complaint(R"({"protocol":"tcp","name":"\ud800"})"), HasSubstr("malformed JSON"));
    EXPECT_THAT(complaint(R"({"protocol":"tcp","x":1e999})"), HasSubstr("malformed JSON"));
}

TEST(DescriptorText, ComplaintsStayShort) {
    const std::string long_text(100'000, 'x');
    EXPECT_LT(complaint(R"({"protocol":")" + long_text + "\"}").size(), 300U);
    EXPECT_LT(complaint(R"({"priority_matrix":{")" + long_text + "\":1}}").size(), 300U);
    EXPECT_LT(complaint(R"({"protocol":"tcp","x":)" + std::string(100'000, '9') + "e9}").size(), 300U);
    EXPECT_LT(complaint("{\"name\":\"" + long_text + "\xff\"}").size(), 300U);
}

TEST(DescriptorText, DeepNestingIsAnErrorNotACrash) {
    EXPECT_THAT(complaint(std::string(1'000'000, '[')), HasSubstr("expected an object, got an array"));
    EXPECT_THAT(complaint(R"({"x":)" + std::string(1'000'000, '[')), HasSubstr("unexpected end of input"));
    std::string objects = R"({"x":)";
    for (int i = 0; i < 100'000; ++i)
        objects += R"({"x":)";
    EXPECT_THAT(complaint(objects), HasSubstr("unexpected end of input"));
}

TEST(DescriptorText, MoreThan128MiB) {
    EXPECT_EQ(complaint(std::string((128U << 20) + 1, ' ')),
              "segment descriptor: 134217729 bytes, at most 134217728 are read");
}

TEST(DescriptorText, MoreThanAMillionBuffers) {
    std::string text = R"({"protocol":"tcp","buffers":[{})";
    for (int i = 0; i < 1'000'000; ++i)
        text += ",{}";
    EXPECT_EQ(complaint(text + "]}"), "segment descriptor: buffers[1000000]: more than 1000000 elements");
}

}  // namespace
}  // namespace mc
