#include "metadata/handshake_messages.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

TEST(ConnectionMessage, IsWrittenAsObserved) {
    EXPECT_EQ(encodeConnectionMessage({}), R"({"local_gid":"","local_lid":0,"local_nic_path":"","payload":"",)"
                                           R"("peer_nic_path":"","qp_num":[],"reply_msg":""})");
    ConnectionMessage message;
    message.payload = "p";
    message.local_nic_path = "a:1@mlx5_0";
    message.local_lid = 65535;
    message.local_gid = "fe:80";
    message.peer_nic_path = "b:2@mlx5_1";
    message.qp_num = {1, 4294967295};
    message.ready_ack = false;
    message.reply_msg = "no \"\n\xc3\xa4";
    EXPECT_EQ(encodeConnectionMessage(message),
              R"({"local_gid":"fe:80","local_lid":65535,"local_nic_path":"a:1@mlx5_0","payload":"p",)"
              R"("peer_nic_path":"b:2@mlx5_1","qp_num":[1,4294967295],"ready_ack":false,)"
              R"("reply_msg":"no \"\n\u00e4"})");
    EXPECT_EQ(decodeConnectionMessage(encodeConnectionMessage(message)).value(), message);
}

TEST(ConnectionMessage, TextThatIsNotUtf8StillMakesJson) {
    ConnectionMessage message;
    message.payload = "\xff";
    EXPECT_EQ(decodeConnectionMessage(encodeConnectionMessage(message))->payload, "\xef\xbf\xbd");
}

TEST(ConnectionMessage, OfOlderReleasesIsRead) {
    const auto message = decodeConnectionMessage(
        R"({"local_nic_path":"a@n","peer_nic_path":"b@n","qp_num":[7],"reply_msg":"","jetty_num":[1]})"
        "\n");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->local_nic_path, "a@n");
    EXPECT_EQ(message->qp_num, (std::vector<std::uint32_t>{7}));
    EXPECT_EQ(message->local_lid, 0);
    EXPECT_EQ(message->local_gid, "");
    EXPECT_EQ(message->ready_ack, std::nullopt);
    EXPECT_EQ(decodeConnectionMessage("{}").value(), ConnectionMessage{});
    EXPECT_EQ(decodeConnectionMessage(R"({"payload":null,"qp_num":null,"ready_ack":null})").value(),
              ConnectionMessage{});
}

TEST(ConnectionMessage, WrongLidAndGidFallBack) {
    for (const auto* json : {R"({"local_lid":"1","local_gid":5})", R"({"local_lid":-1,"local_gid":[]})",
                             R"({"local_lid":65536,"local_gid":{}})", R"({"local_lid":1e99})"}) {
        EXPECT_EQ(decodeConnectionMessage(json).value(), ConnectionMessage{}) << json;
    }
}

TEST(ConnectionMessage, ReadyAckIsTheMemberAndItsValue) {
    EXPECT_EQ(decodeConnectionMessage(R"({"ready_ack":true})")->ready_ack, true);
    EXPECT_EQ(decodeConnectionMessage(R"({"ready_ack":false})")->ready_ack, false);
}

TEST(ConnectionMessage, ErrorsNameTheMember) {
    const auto messageOf = [](const char* json) {
        const auto message = decodeConnectionMessage(json);
        EXPECT_EQ(message.error().code, ErrorCode::BadData) << json;
        return message.error().message;
    };
    EXPECT_EQ(messageOf(R"({"payload":{}})"), "connection message: member \"payload\" must be a string, not object");
    EXPECT_EQ(messageOf(R"({"qp_num":3})"), "connection message: member \"qp_num\" must be an array, not number");
    for (const auto* json : {R"({"qp_num":[1,-1]})", R"({"qp_num":[1,4294967296]})", R"({"qp_num":[1,"2"]})",
                             R"({"qp_num":[1,2.5]})", R"({"qp_num":[1,null]})"}) {
        EXPECT_EQ(messageOf(json), "connection message: member \"qp_num[1]\" must be an unsigned 32-bit integer");
    }
    EXPECT_EQ(messageOf(R"({"ready_ack":1})"),
              "connection message: member \"ready_ack\" must be true or false, not number");
    EXPECT_EQ(messageOf("null\n"), "connection message: an object is expected, not null");
    EXPECT_EQ(messageOf("{"), "connection message: not JSON");
}

TEST(NotifyMessage, IsWrittenAndReadAsObserved) {
    EXPECT_EQ(encodeNotifyMessage({"", "success"}), R"({"name":"","notify_msg":"success"})");
    EXPECT_EQ(decodeNotifyMessage("{\"notify_msg\":\"hello\",\"name\":\"n\"}\n").value(),
              (NotifyMessage{"n", "hello"}));
    EXPECT_EQ(decodeNotifyMessage("{}").value(), NotifyMessage{});
    EXPECT_EQ(decodeNotifyMessage(R"({"name":[]})").error().message,
              "notify message: member \"name\" must be a string, not array");
}

}  // namespace
}  // namespace mc::metadata
