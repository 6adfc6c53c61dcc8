#include "metadata/rpc_meta.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::HasSubstr;

TEST(RpcMeta, IsWrittenAsStockProgramsDo) {
    EXPECT_EQ(encodeRpcMeta({"10.0.0.1", 15123}), R"({"ip_or_host_name":"10.0.0.1","rpc_port":15123})");
}

TEST(RpcMeta, IsReadWithTrailingNewlineAndUnknownMembers) {
    const auto meta = decodeRpcMeta("{ \"ip_or_host_name\" : \"::1\", \"rpc_port\" : 65535, \"later\" : [] }\n");
    EXPECT_EQ(meta.value(), (RpcMeta{"::1", 65535}));
}

TEST(RpcMeta, ErrorsNameTheMember) {
    const auto messageOf = [](const char* json) {
        const auto meta = decodeRpcMeta(json);
        EXPECT_EQ(meta.error().code, ErrorCode::BadData) << json;
        return meta.error().message;
    };
    EXPECT_EQ(messageOf(R"({"rpc_port":1})"), "rpc_meta: member \"ip_or_host_name\" is missing");
    EXPECT_EQ(messageOf(R"({"ip_or_host_name":"a"})"), "rpc_meta: member \"rpc_port\" is missing");
    EXPECT_EQ(messageOf(R"({"ip_or_host_name":{},"rpc_port":1})"),
              "rpc_meta: member \"ip_or_host_name\" must be a string, not object");
    EXPECT_EQ(messageOf(R"({"ip_or_host_name":"","rpc_port":1})"), "rpc_meta: member \"ip_or_host_name\" is empty");
    EXPECT_EQ(messageOf(R"({"ip_or_host_name":"a","rpc_port":65536})"),
              "rpc_meta: member \"rpc_port\" is 65536, above 65535");
    EXPECT_EQ(messageOf(R"({"ip_or_host_name":"a","rpc_port":0})"), "rpc_meta: member \"rpc_port\" is 0");
    EXPECT_THAT(messageOf(R"({"ip_or_host_name":"a","rpc_port":-1})"), HasSubstr("must be an unsigned integer"));
    EXPECT_THAT(messageOf(R"({"ip_or_host_name":"a","rpc_port":"1"})"), HasSubstr("must be an unsigned integer"));
}

TEST(RpcMeta, OfSomethingElseIsAnError) {
    EXPECT_EQ(decodeRpcMeta("").error().message, "rpc_meta: not JSON");
    EXPECT_EQ(decodeRpcMeta("{\"rpc_port\":").error().message, "rpc_meta: not JSON");
    EXPECT_EQ(decodeRpcMeta(std::string_view("{}\0", 3)).error().message, "rpc_meta: not JSON");
    EXPECT_EQ(decodeRpcMeta("null").error().message, "rpc_meta: an object is expected, not null");
    EXPECT_EQ(decodeRpcMeta("[1]").error().message, "rpc_meta: an object is expected, not array");
}

TEST(RpcMeta, NestedWithoutEndIsAnError) {
    const std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
    EXPECT_EQ(decodeRpcMeta(deep).error().message, "rpc_meta: nested too deep");
}

}  // namespace
}  // namespace mc::metadata
