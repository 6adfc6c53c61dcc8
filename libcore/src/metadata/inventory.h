#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "metadata/keys.h"
#include "metadata/rpc_meta.h"
#include "metadata/store.h"

namespace mc::metadata {

/// What a store says about one segment, without all of its descriptor.
struct SegmentSummary {
    std::string name;              ///< As openSegment takes it.
    bool published = false;        ///< There is a descriptor.
    bool is_static = false;        ///< A descriptor of files that a register tool has published: nobody owns it.
    std::string protocol;          ///< Several are joined by '+'.
    std::size_t buffers = 0;       ///< Or files.
    std::uint64_t bytes = 0;       ///< Of all of them.
    std::string timestamp;         ///< When it was written, in its writer's local time.
    std::optional<RpcMeta> owner;  ///< Where its handshake daemon is.
    std::string problem;           ///< What of this can't be read, and why; empty if all can.
};

/// All segments of the cluster in the order of their names: every descriptor and every address, as one where they have
/// the same name. Keys that are neither are left out. If it is stopped, some are missing.
Result<std::vector<SegmentSummary>> takeInventory(Store& store, const KeyNames& keys, Deadline deadline,
                                                  const std::stop_token& stop);

/// One segment; NotFound if it has neither a descriptor nor an address.
Result<SegmentSummary> inspectSegment(Store& store, const KeyNames& keys, std::string_view name, Deadline deadline);

}  // namespace mc::metadata
