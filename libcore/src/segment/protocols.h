#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mc {

inline constexpr std::string_view kNvmeofGeneric = "nvmeof_generic";
inline constexpr std::string_view kNvmeofLegacy = "nvmeof";

/// What the buffers of a segment are, and so which members its descriptor has.
enum class BufferKind {
    Memory,       ///< Ranges of memory: name, addr, length.
    KeyedMemory,  ///< The same with rkey and lkey; the segment has devices and a priority matrix.
    SharedPool,   ///< Ranges of a pool that all hosts map (cxl); no address.
    LegacyFiles,  ///< nvmeof: files that initiators have mounted.
    Namespaces,   ///< nvmeof_generic: NVMe namespaces of one subsystem.
};

struct ProtocolTraits {
    std::string_view name;
    BufferKind kind = BufferKind::Memory;
    bool key_per_device = false;         ///< rkey[i] belongs to devices[i].
    bool gid_is_hex = false;             ///< gid is sixteen hex bytes joined by ':'; others put any text there.
    std::uint64_t max_key = 0xffffffff;  ///< libfabric's keys (efa, cxi) have 64 bits, those of verbs 32.
};

/// Null for a protocol that no release of Mooncake's Transfer Engine publishes.
const ProtocolTraits* findProtocol(std::string_view name);

std::vector<std::string> knownProtocols();

}  // namespace mc
