#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::metadata {

/// Request and reply of MessageType::Connection. A reply with a non-empty `reply_msg` is a refusal.
struct ConnectionMessage {
    std::string payload;
    std::string local_nic_path;  ///< "SERVER@NIC" of the sender.
    std::uint16_t local_lid = 0;
    std::string local_gid;  ///< Empty from peers before v0.3.12: look the NIC up in the peer's descriptor.
    std::string peer_nic_path;
    std::vector<std::uint32_t> qp_num;
    std::optional<bool> ready_ack;  ///< Present: the sender knows the second, acknowledging message; true: this is it.
    std::string reply_msg;

    bool operator==(const ConnectionMessage&) const = default;
};

/// Request of MessageType::Notify, and its reply: an empty name and "success"; an empty `notify_msg` is a refusal.
struct NotifyMessage {
    std::string name;
    std::string notify_msg;

    bool operator==(const NotifyMessage&) const = default;
};

/// The JSON of MessageType::Probe, both ways; neither side looks at its members.
inline constexpr std::string_view kProbeRequest = "{}";
inline constexpr std::string_view kProbeReply = R"({"status":"success"})";

/// One line of JSON as the stock programs write it: compact, members in lexicographic order, no newline.
std::string encodeConnectionMessage(const ConnectionMessage& message);
std::string encodeNotifyMessage(const NotifyMessage& message);

/// A missing or null member has its default; `local_lid` and `local_gid` have it also where their type is wrong.
/// BadData names the member that is wrong otherwise; also for anything but an object, such as the `null` of a peer
/// without a handler.
Result<ConnectionMessage> decodeConnectionMessage(std::string_view json);
Result<NotifyMessage> decodeNotifyMessage(std::string_view json);

}  // namespace mc::metadata
