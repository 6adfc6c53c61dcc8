#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "mc/segment.h"

#include "base/errors.h"
#include "base/text.h"
#include "segment/descriptor_reader.h"
#include "segment/protocols.h"

namespace mc {
namespace {

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

std::unexpected<Error> lie(std::string_view field, std::string_view what, std::string hint = {}) {
    return fail(ErrorCode::BadData, fmt::format("segment descriptor: {}: {}", field, what), std::move(hint));
}

Result<void> checkProtocols(const std::vector<std::string>& protocols) {
    if (protocols.empty() || protocols.front().empty()) return lie("protocol", "missing");
    const auto field = [&](std::size_t i) {
        return protocols.size() > 1 ? fmt::format("protocol[{}]", i) : "protocol";
    };
    for (std::size_t i = 0; i < protocols.size(); ++i) {
        const auto* traits = findProtocol(protocols[i]);
        if (traits == nullptr) {
            const auto known = knownProtocols();
            const auto nearest = nearestName(protocols[i].substr(0, 32), known);
            return lie(field(i), fmt::format("unknown protocol \"{}\"", excerpt(protocols[i])),
                       nearest ? fmt::format("did you mean \"{}\"?", *nearest) : "known are " + join(known, ", "));
        }
        if (std::ranges::count(protocols.begin(), protocols.begin() + static_cast<std::ptrdiff_t>(i), protocols[i]) >
            0) {
            return lie(field(i), fmt::format("\"{}\" stands there twice", protocols[i]));
        }
        const bool files = traits->kind == BufferKind::LegacyFiles || traits->kind == BufferKind::Namespaces;
        if (files && protocols.size() > 1) {
            return lie(field(i), fmt::format("\"{}\" can't share a segment with other protocols", protocols[i]));
        }
    }
    return {};
}

// For other protocols the port is whatever stood in the publisher's memory.
Result<void> checkTcp(SegmentDescriptor& descriptor) {
    if (descriptor.tcp_data_port < 0 || descriptor.tcp_data_port > std::numeric_limits<std::uint16_t>::max()) {
        return lie("tcp_data_port", fmt::format("expected a port from 0 to 65535, got {}", descriptor.tcp_data_port));
    }
    if (descriptor.tcp_proto_version < 0) {
        return lie("tcp_proto_version", fmt::format("expected 1 or more, got {}", descriptor.tcp_proto_version));
    }
    descriptor.tcp_proto_version = std::max(descriptor.tcp_proto_version, 1);
    return {};
}

bool isHexGid(std::string_view gid) {
    constexpr std::size_t kBytes = 16;
    if (gid.size() != kBytes * 3 - 1) return false;
    for (std::size_t i = 0; i < gid.size(); ++i) {
        const bool fits = i % 3 == 2 ? gid[i] == ':' : std::isxdigit(static_cast<unsigned char>(gid[i])) != 0;
        if (!fits) return false;
    }
    return true;
}

Result<void> checkDevices(const std::vector<NicDevice>& devices, bool gid_is_hex) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto field = [i](std::string_view member) { return fmt::format("devices[{}].{}", i, member); };
        if (devices[i].name.empty()) return lie(field("name"), "missing or empty");
        if (devices[i].gid.empty()) return lie(field("gid"), "missing or empty");
        if (gid_is_hex && !isHexGid(devices[i].gid)) {
            return lie(field("gid"),
                       fmt::format("expected sixteen hex bytes joined by \":\", got \"{}\"", excerpt(devices[i].gid)));
        }
    }
    return {};
}

std::string bufferField(std::size_t index, std::string_view member) {
    return fmt::format("buffers[{}].{}", index, member);
}

Result<void> checkRange(const MemoryBuffer& buffer, std::size_t index, bool has_address) {
    if (buffer.name.empty()) return lie(bufferField(index, "name"), "missing or empty");
    if (has_address && buffer.addr == 0) return lie(bufferField(index, "addr"), "missing or 0");
    if (buffer.length == 0) return lie(bufferField(index, "length"), "missing or 0");
    if (buffer.length > kMax64 - buffer.addr) {
        return lie(bufferField(index, "length"),
                   fmt::format("{} bytes from address {:#x} go beyond 64 bits", buffer.length, buffer.addr));
    }
    return {};
}

// Mooncake's documented example has rkey alone, so lkey may be missing.
Result<void> checkKeys(const MemoryBuffer& buffer, std::size_t index, const ProtocolTraits& traits,
                       std::size_t devices) {
    const std::size_t count = buffer.rkey.size();
    if (count > 0 && !buffer.lkey.empty() && count != buffer.lkey.size()) {
        return lie(bufferField(index, "rkey"), fmt::format("{} keys, but {} in lkey", count, buffer.lkey.size()));
    }
    if (count > 0 && traits.key_per_device && count != devices) {
        return lie(bufferField(index, "rkey"), fmt::format("{} keys for {} devices", count, devices));
    }
    for (const auto* keys : {&buffer.rkey, &buffer.lkey}) {
        const auto wide = std::ranges::find_if(*keys, [&](std::uint64_t key) { return key > traits.max_key; });
        if (wide == keys->end()) continue;
        const auto field = bufferField(index, keys == &buffer.rkey ? "rkey" : "lkey");
        return lie(fmt::format("{}[{}]", field, wide - keys->begin()),
                   fmt::format("expected at most {}, got {}", traits.max_key, *wide));
    }
    return {};
}

Result<void> checkMemory(SegmentDescriptor& descriptor) {
    const auto& protocols = descriptor.protocols;
    const auto keyed = [](std::string_view name) { return findProtocol(name)->kind == BufferKind::KeyedMemory; };
    if (std::ranges::any_of(protocols, keyed)) {
        if (auto ok = checkDevices(descriptor.devices, descriptor.speaks("rdma")); !ok) return ok;
    } else {
        descriptor.devices.clear();
        descriptor.priority_matrix.clear();
    }
    for (std::size_t i = 0; i < descriptor.buffers.size(); ++i) {
        auto& buffer = descriptor.buffers[i];
        if (protocols.size() == 1) {
            buffer.protocol.clear();
        } else if (!descriptor.speaks(buffer.protocol)) {
            return lie(bufferField(i, "protocol"),
                       fmt::format("\"{}\" is none of the segment's protocols", excerpt(buffer.protocol)));
        }
        const auto& traits = *findProtocol(protocols.size() == 1 ? protocols.front() : buffer.protocol);
        if (auto ok = checkRange(buffer, i, traits.kind != BufferKind::SharedPool); !ok) return ok;
        if (traits.kind != BufferKind::KeyedMemory) {
            buffer.rkey.clear();
            buffer.lkey.clear();
        }
        if (auto ok = checkKeys(buffer, i, traits, descriptor.devices.size()); !ok) return ok;
    }
    return {};
}

// Such descriptors have a name, buffers, and nothing else.
Result<SegmentDescriptor> legacyFiles(RawDescriptor raw) {
    SegmentDescriptor descriptor;
    descriptor.name = std::move(raw.descriptor.name);
    descriptor.protocols = std::move(raw.descriptor.protocols);
    descriptor.legacy_files = std::move(raw.files);
    descriptor.legacy_files.resize(raw.descriptor.buffers.size());
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < descriptor.legacy_files.size(); ++i) {
        const std::uint64_t length = raw.descriptor.buffers[i].length;
        if (length > kMax64 - total) return lie(bufferField(i, "length"), "the files together go beyond 64 bits");
        total += length;
        descriptor.legacy_files[i].length = length;
        descriptor.legacy_files[i].others = std::move(raw.descriptor.buffers[i].others);
    }
    descriptor.others = std::move(raw.descriptor.others);
    return descriptor;
}

Result<SegmentDescriptor> namespaces(RawDescriptor raw) {
    constexpr std::array<std::string_view, 5> kMembers{"trtype", "adrfam", "traddr", "trsvcid", "subnqn"};
    for (std::size_t i = 0; i < kMembers.size(); ++i) {
        if (!raw.trid_members.test(i)) return lie(fmt::format("nvmeof_generic_trid.{}", kMembers[i]), "missing");
    }
    SegmentDescriptor descriptor;
    descriptor.name = std::move(raw.descriptor.name);
    descriptor.protocols = std::move(raw.descriptor.protocols);
    descriptor.tcp_data_port = raw.descriptor.tcp_data_port;
    descriptor.timestamp = std::move(raw.descriptor.timestamp);
    descriptor.nvme_trid = std::move(raw.trid);
    descriptor.file_buffers = std::move(raw.descriptor.file_buffers);
    descriptor.others = std::move(raw.descriptor.others);
    return descriptor;
}

// What the members say, by the rules of the descriptor's protocols; members that these do not have are dropped.
Result<SegmentDescriptor> checkDescriptor(RawDescriptor raw) {
    SegmentDescriptor& descriptor = raw.descriptor;
    if (descriptor.name.empty()) descriptor.name = std::move(raw.server_name);
    if (auto ok = checkProtocols(descriptor.protocols); !ok) return std::unexpected(std::move(ok.error()));
    const BufferKind kind = findProtocol(descriptor.protocol())->kind;
    if (kind == BufferKind::LegacyFiles) return legacyFiles(std::move(raw));
    if (kind == BufferKind::Namespaces) return namespaces(std::move(raw));

    descriptor.file_buffers.clear();  // The nvmf branch writes them, empty, for every protocol.
    if (descriptor.speaks("tcp")) {
        if (auto ok = checkTcp(descriptor); !ok) return std::unexpected(std::move(ok.error()));
    }
    if (auto ok = checkMemory(descriptor); !ok) return std::unexpected(std::move(ok.error()));
    return std::move(descriptor);
}

}  // namespace

Result<SegmentDescriptor> decodeSegmentDescriptor(std::string_view json) {
    auto raw = readDescriptorText(json);
    if (!raw) return std::unexpected(std::move(raw.error()));
    return checkDescriptor(std::move(*raw));
}

}  // namespace mc
