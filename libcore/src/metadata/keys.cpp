#include "metadata/keys.h"

#include <algorithm>

#include "base/errors.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kRpcMeta = "rpc_meta/";
constexpr std::string_view kMemory = "ram/";
constexpr std::string_view kCheckpoints = "checkpoint/";  // Of Mooncake's P2P store: what is in segments, not one.

}  // namespace

KeyNames::KeyNames(std::string_view cluster_id) : prefix_("mooncake/") {
    prefix_ += cluster_id;
    if (!prefix_.ends_with('/')) prefix_ += '/';
}

std::string KeyNames::rpcMeta(std::string_view server_name) const {
    return std::string(prefix_).append(kRpcMeta).append(server_name);
}

Result<std::string> KeyNames::segment(std::string_view segment_name) const {
    segment_name.remove_prefix(std::min(segment_name.find_first_not_of('/'), segment_name.size()));
    if (segment_name.empty()) return fail(ErrorCode::InvalidArgument, "segment: the name is empty");
    return (prefix_ + (segment_name.contains('/') ? "" : "ram/")).append(segment_name);
}

std::string_view KeyNames::segmentName(std::string_view key) const {
    if (!key.starts_with(prefix_)) return {};
    key.remove_prefix(prefix_.size());
    if (key.starts_with(kCheckpoints) || key.starts_with(kRpcMeta) || key.starts_with('/')) return {};
    const std::string_view below = key.starts_with(kMemory) ? key.substr(kMemory.size()) : std::string_view();
    if (!below.empty() && !below.contains('/')) return below;
    return key.contains('/') ? key : std::string_view();
}

}  // namespace mc::metadata
