#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::metadata {

/// The names of Mooncake's metadata keys.
class KeyNames {
  public:
    /// `cluster_id` (MC_METADATA_CLUSTER_ID) separates clusters that share a store; empty for none.
    explicit KeyNames(std::string_view cluster_id = {});

    /// "mooncake/" or "mooncake/CLUSTER/": what all keys begin with.
    const std::string& prefix() const { return prefix_; }
    /// Where `server_name` says how its handshake daemon is reached.
    std::string rpcMeta(std::string_view server_name) const;
    /// Where the segment's descriptor is: below "ram/" unless the name has a '/' ("nvmeof/foo"). Leading '/' are
    /// dropped, as openSegment does; InvalidArgument if nothing remains.
    Result<std::string> segment(std::string_view segment_name) const;
    /// The name of the segment whose descriptor is at this key: what segment() makes the key of. Empty where it is no
    /// segment's.
    std::string_view segmentName(std::string_view key) const;

  private:
    std::string prefix_;
};

}  // namespace mc::metadata
