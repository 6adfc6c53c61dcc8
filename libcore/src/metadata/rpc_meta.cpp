#include "metadata/rpc_meta.h"

#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "metadata/json_members.h"

namespace mc::metadata {

std::string encodeRpcMeta(const RpcMeta& meta) {
    return toLine({{"ip_or_host_name", meta.ip_or_host_name}, {"rpc_port", meta.rpc_port}});
}

Result<RpcMeta> decodeRpcMeta(std::string_view json) {
    using enum JsonMembers::Rule;
    JsonMembers members("rpc_meta", json);
    RpcMeta meta;
    meta.ip_or_host_name = members.string("ip_or_host_name", Required);
    meta.rpc_port = members.number16("rpc_port", Required);
    if (members.error()) return std::unexpected(*members.error());
    if (meta.ip_or_host_name.empty()) return fail(ErrorCode::BadData, "rpc_meta: member \"ip_or_host_name\" is empty");
    if (meta.rpc_port == 0) return fail(ErrorCode::BadData, "rpc_meta: member \"rpc_port\" is 0");
    return meta;
}

}  // namespace mc::metadata
