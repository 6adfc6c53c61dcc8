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
    bool serves_files = false;     ///< An engine's files, over NVMe-oF: hosts find them by the descriptor alone.
    std::string protocol;          ///< Several are joined by '+'.
    std::size_t buffers = 0;       ///< Or files.
    std::uint64_t bytes = 0;       ///< Of all of them.
    std::string timestamp;         ///< When it was written, in its writer's local time.
    std::optional<RpcMeta> owner;  ///< Where its handshake daemon is.
    std::string problem;           ///< What of this can't be read, and why; empty if all can.

    // For who wants to know it all.
    bool has_rpc_meta = false;        ///< There is a key, whatever it says.
    std::string described_name;       ///< What the descriptor calls itself: peers look for the rpc_meta of that.
    int tcp_data_port = 0;            ///< 0 where it does not speak tcp.
    std::string descriptor_problem;   ///< Why the descriptor can't be read.
    std::string rpc_meta_problem;     ///< The same of rpc_meta.
    std::vector<std::string> doubts;  ///< See bufferProblems().
    std::string descriptor_version;   ///< Of their keys, as the store has them.
    std::string rpc_meta_version;
};

struct Inventory {
    std::vector<SegmentSummary> segments;  ///< In the order of their names.
    std::size_t descriptors = 0;           ///< Keys of each kind.
    std::size_t rpc_metas = 0;
    std::size_t checkpoints = 0;     ///< Of Mooncake's P2P store: what is in segments.
    std::size_t other_clusters = 0;  ///< Of clusters below this one's prefix.
    std::size_t unknown = 0;

    std::size_t keys() const { return descriptors + rpc_metas + checkpoints + other_clusters + unknown; }
};

/// All segments of the cluster: every descriptor and every address, as one where they have the same name. Other keys
/// are only counted. If it is stopped, some are missing.
Result<Inventory> takeInventory(Store& store, const KeyNames& keys, Deadline deadline, const std::stop_token& stop);

/// One segment; NotFound if it has neither a descriptor nor an address.
Result<SegmentSummary> inspectSegment(Store& store, const KeyNames& keys, std::string_view name, Deadline deadline);

}  // namespace mc::metadata
