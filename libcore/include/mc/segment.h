#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc {

/// Members of a JSON object that are not of Mooncake's format, as the text of an object; empty: none. They are read and
/// written back, so that a descriptor that was changed and published again loses nothing of other vendors. Members
/// beyond 1 MiB in one descriptor, or nested deeper than 64, are left out.
using OtherMembers = std::string;

/// One registered range of memory, as peers see it.
struct MemoryBuffer {
    std::string name;  ///< tcp: the server's name. rdma: the location ("cpu:0", "cuda:1", "*").
    std::uint64_t addr = 0;
    std::uint64_t length = 0;
    std::vector<std::uint64_t> rkey;  ///< rdma: one per device; empty if not remotely accessible.
    std::vector<std::uint64_t> lkey;
    std::string protocol;  ///< Only in segments with several protocols.
    OtherMembers others{};

    bool operator==(const MemoryBuffer&) const = default;
};

/// One network device of an rdma segment; its position is the index of keys.
struct NicDevice {
    std::string name;
    std::uint16_t lid = 0;
    std::string gid;  ///< Sixteen hex bytes joined by ':'.

    bool operator==(const NicDevice&) const = default;
};

/// One file of a legacy `nvmeof` segment. Offsets address the concatenation of the files in order.
struct LegacyFile {
    std::string file_path;
    std::uint64_t length = 0;
    std::map<std::string, std::string> local_path_map;  ///< Server name -> path where that server mounted it.
    OtherMembers others{};

    bool operator==(const LegacyFile&) const = default;
};

/// One file of an `nvmeof_generic` segment.
struct FileBuffer {
    std::uint32_t id = 0;  ///< The NVMe namespace id on the target.
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t align = 0;
    OtherMembers others{};

    bool operator==(const FileBuffer&) const = default;
};

/// NVMe-oF transport identifier of an `nvmeof_generic` segment.
struct NvmeTransportId {
    std::string trtype, adrfam, traddr, trsvcid, subnqn;

    bool operator==(const NvmeTransportId&) const = default;
};

/// Location -> preferred and available network devices.
struct NicPriority {
    std::vector<std::string> preferred, available;

    bool operator==(const NicPriority&) const = default;
};
using PriorityMatrix = std::map<std::string, NicPriority>;

/// What a segment publishes about itself: all protocols of Mooncake's Transfer Engine.
struct SegmentDescriptor {
    std::string name;
    std::vector<std::string> protocols;  ///< One, or several in multi-protocol segments.
    int tcp_data_port = 0;
    int tcp_proto_version = 1;  ///< 2: the peer acknowledges.
    std::string timestamp;      ///< Local time "YYYY-MM-DD HH:MM:SS.uuuuuu"; not compared.
    std::string rdma_server_name;
    std::vector<NicDevice> devices;
    PriorityMatrix priority_matrix;
    std::vector<MemoryBuffer> buffers;
    std::vector<LegacyFile> legacy_files;      ///< Protocol nvmeof only.
    std::optional<NvmeTransportId> nvme_trid;  ///< Protocol nvmeof_generic only.
    std::vector<FileBuffer> file_buffers;
    OtherMembers others{};

    bool operator==(const SegmentDescriptor&) const = default;

    /// The first protocol; empty if none.
    std::string_view protocol() const { return protocols.empty() ? std::string_view{} : protocols.front(); }
    bool speaks(std::string_view protocol) const;
};

/// One line of JSON as the stock programs write it: compact, members in lexicographic order, no newline.
std::string encodeSegmentDescriptor(const SegmentDescriptor& descriptor);

/// Reads a descriptor of any protocol. BadData names the field that is missing, of the wrong type, or lying.
Result<SegmentDescriptor> decodeSegmentDescriptor(std::string_view json);

}  // namespace mc
