#include "metadata/handshake_messages.h"

#include <nlohmann/json.hpp>

#include "metadata/json_members.h"

namespace mc::metadata {

std::string encodeConnectionMessage(const ConnectionMessage& message) {
    nlohmann::json object{
        {"payload", message.payload},     {"local_nic_path", message.local_nic_path}, {"local_lid", message.local_lid},
        {"local_gid", message.local_gid}, {"peer_nic_path", message.peer_nic_path},   {"qp_num", message.qp_num},
        {"reply_msg", message.reply_msg}};
    if (message.ready_ack) object["ready_ack"] = *message.ready_ack;
    return toLine(object);
}

std::string encodeNotifyMessage(const NotifyMessage& message) {
    return toLine({{"name", message.name}, {"notify_msg", message.notify_msg}});
}

Result<ConnectionMessage> decodeConnectionMessage(std::string_view json) {
    using enum JsonMembers::Rule;
    JsonMembers members("connection message", json);
    ConnectionMessage message;
    message.payload = members.string("payload", Optional);
    message.local_nic_path = members.string("local_nic_path", Optional);
    message.local_lid = members.number16("local_lid", Lenient);
    message.local_gid = members.string("local_gid", Lenient);
    message.peer_nic_path = members.string("peer_nic_path", Optional);
    message.qp_num = members.numbers("qp_num");
    message.ready_ack = members.boolean("ready_ack");
    message.reply_msg = members.string("reply_msg", Optional);
    if (members.error()) return std::unexpected(*members.error());
    return message;
}

Result<NotifyMessage> decodeNotifyMessage(std::string_view json) {
    using enum JsonMembers::Rule;
    JsonMembers members("notify message", json);
    NotifyMessage message{members.string("name", Optional), members.string("notify_msg", Optional)};
    if (members.error()) return std::unexpected(*members.error());
    return message;
}

}  // namespace mc::metadata
