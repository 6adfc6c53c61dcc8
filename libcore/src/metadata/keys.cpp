#include "metadata/keys.h"

#include <algorithm>

#include "base/errors.h"

namespace mc::metadata {

KeyNames::KeyNames(std::string_view cluster_id) : prefix_("mooncake/") {
    prefix_ += cluster_id;
    if (!prefix_.ends_with('/')) prefix_ += '/';
}

std::string KeyNames::rpcMeta(std::string_view server_name) const {
    return (prefix_ + "rpc_meta/").append(server_name);
}

Result<std::string> KeyNames::segment(std::string_view segment_name) const {
    segment_name.remove_prefix(std::min(segment_name.find_first_not_of('/'), segment_name.size()));
    if (segment_name.empty()) return fail(ErrorCode::InvalidArgument, "segment: the name is empty");
    return (prefix_ + (segment_name.contains('/') ? "" : "ram/")).append(segment_name);
}

}  // namespace mc::metadata
