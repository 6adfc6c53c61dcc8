#include "segment/protocols.h"

#include <algorithm>
#include <array>
#include <limits>

#include "mc/segment.h"

namespace mc {
namespace {

constexpr std::uint64_t kKey64 = std::numeric_limits<std::uint64_t>::max();

constexpr std::array kProtocols{
    ProtocolTraits{.name = "tcp"},
    ProtocolTraits{.name = "rdma", .kind = BufferKind::KeyedMemory, .key_per_device = true, .gid_is_hex = true},
    ProtocolTraits{.name = "barex", .kind = BufferKind::KeyedMemory},
    ProtocolTraits{.name = "efa", .kind = BufferKind::KeyedMemory, .key_per_device = true, .max_key = kKey64},
    ProtocolTraits{.name = "cxi", .kind = BufferKind::KeyedMemory, .key_per_device = true, .max_key = kKey64},
    ProtocolTraits{.name = "nvmeof", .kind = BufferKind::LegacyFiles},
    ProtocolTraits{.name = "nvmeof_generic", .kind = BufferKind::Namespaces},
    ProtocolTraits{.name = "ub"},
    ProtocolTraits{.name = "nccl"},
    ProtocolTraits{.name = "ascend"},
    ProtocolTraits{.name = "nvlink"},
    ProtocolTraits{.name = "nvlink_intra"},
    ProtocolTraits{.name = "hip"},
    ProtocolTraits{.name = "maca"},
    ProtocolTraits{.name = "musa"},
    ProtocolTraits{.name = "ubshmem"},
    ProtocolTraits{.name = "sunrise_link"},
    ProtocolTraits{.name = "cxl", .kind = BufferKind::SharedPool},
};

}  // namespace

const ProtocolTraits* findProtocol(std::string_view name) {
    const auto found = std::ranges::find(kProtocols, name, &ProtocolTraits::name);
    return found == kProtocols.end() ? nullptr : &*found;
}

std::vector<std::string> knownProtocols() {
    std::vector<std::string> names;
    names.reserve(kProtocols.size());
    for (const auto& protocol : kProtocols)
        names.emplace_back(protocol.name);
    return names;
}

bool SegmentDescriptor::speaks(std::string_view wanted) const {
    return std::ranges::find(protocols, wanted) != protocols.end();
}

}  // namespace mc
