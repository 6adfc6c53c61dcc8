#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::metadata {

/// Where the handshake daemon of a server is; its address serves the TCP data port, too.
struct RpcMeta {
    std::string ip_or_host_name;
    std::uint16_t rpc_port = 0;

    bool operator==(const RpcMeta&) const = default;
};

/// One line of JSON as the stock programs write it, no newline.
std::string encodeRpcMeta(const RpcMeta& meta);

/// BadData names the field that is missing, of the wrong type or out of range.
Result<RpcMeta> decodeRpcMeta(std::string_view json);

}  // namespace mc::metadata
