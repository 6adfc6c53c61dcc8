#include "segment/descriptor_members.h"

#include <array>
#include <utility>

namespace mc {
namespace {

constexpr std::uint64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::uint64_t kMax16 = 0xffff;
constexpr std::uint64_t kMax32 = 0xffffffff;
constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view kAny;

using Open = void (*)(RawDescriptor&, const Slot&);
using StoreText = void (*)(RawDescriptor&, const Slot&, std::string);
using StoreNumber = void (*)(RawDescriptor&, std::uint64_t);
using StoreInteger = void (*)(RawDescriptor&, int);

constexpr Member text(Node parent, std::string_view key, StoreText store) {
    return {.parent = parent, .key = key, .type = MemberType::Text, .text = store};
}
constexpr Member number(Node parent, std::string_view key, std::uint64_t max, StoreNumber store) {
    return {.parent = parent, .key = key, .type = MemberType::Unsigned, .max = max, .number = store};
}
constexpr Member integer(Node parent, std::string_view key, StoreInteger store) {
    return {.parent = parent, .key = key, .type = MemberType::Integer, .max = kMaxInt, .integer = store};
}
constexpr Member object(Node parent, std::string_view key, Node child, Open open) {
    return {.parent = parent, .key = key, .type = MemberType::Object, .child = child, .open = open};
}
constexpr Member array(Node parent, std::string_view key, Node child, Open open) {
    return {.parent = parent, .key = key, .type = MemberType::Array, .child = child, .open = open};
}

// Members of the descriptor and of the element that was opened last.
template <auto Field>
void setRaw(RawDescriptor& raw, const Slot&, std::string value) {
    raw.*Field = std::move(value);
}
template <auto Field>
void setText(RawDescriptor& raw, const Slot&, std::string value) {
    raw.descriptor.*Field = std::move(value);
}
template <auto Field>
void setInteger(RawDescriptor& raw, int value) {
    raw.descriptor.*Field = value;
}
template <auto List, auto Field>
void setElementText(RawDescriptor& raw, const Slot&, std::string value) {
    (raw.descriptor.*List).back().*Field = std::move(value);
}
template <auto List, auto Field>
void setElementNumber(RawDescriptor& raw, std::uint64_t value) {
    auto& field = (raw.descriptor.*List).back().*Field;
    field = static_cast<std::remove_reference_t<decltype(field)>>(value);
}
template <auto Field, std::size_t Index>
void setTrid(RawDescriptor& raw, const Slot&, std::string value) {
    raw.trid.*Field = std::move(value);
    raw.trid_members.set(Index);
}
template <auto List>
void clearList(RawDescriptor& raw, const Slot&) {
    (raw.descriptor.*List).clear();
}
template <auto List>
void addElement(RawDescriptor& raw, const Slot&) {
    (raw.descriptor.*List).emplace_back();
}
template <auto Field>
void clearKeys(RawDescriptor& raw, const Slot&) {
    (raw.descriptor.buffers.back().*Field).clear();
}
template <auto Field>
void addKey(RawDescriptor& raw, std::uint64_t value) {
    (raw.descriptor.buffers.back().*Field).push_back(value);
}

LegacyFile& currentFile(RawDescriptor& raw) {
    raw.files.resize(raw.descriptor.buffers.size());
    return raw.files.back();
}

void openBuffers(RawDescriptor& raw, const Slot&) {
    raw.descriptor.buffers.clear();
    raw.files.clear();
}
void openTrid(RawDescriptor& raw, const Slot&) {
    raw.trid = {};
    raw.trid_members.reset();
}
void setProtocol(RawDescriptor& raw, const Slot&, std::string value) {
    raw.descriptor.protocols = {std::move(value)};
}
void addProtocol(RawDescriptor& raw, const Slot&, std::string value) {
    raw.descriptor.protocols.push_back(std::move(value));
}
void openMatrixEntry(RawDescriptor& raw, const Slot& slot) {
    raw.location = &raw.descriptor.priority_matrix[slot.key];
    *raw.location = {};
}
void openNicList(RawDescriptor& raw, const Slot& slot) {
    raw.nics = slot.index == 0 ? &raw.location->preferred : &raw.location->available;
}
void addNic(RawDescriptor& raw, const Slot&, std::string value) {
    raw.nics->push_back(std::move(value));
}
void setFilePath(RawDescriptor& raw, const Slot&, std::string value) {
    currentFile(raw).file_path = std::move(value);
}
void openLocalPaths(RawDescriptor& raw, const Slot&) {
    currentFile(raw).local_path_map.clear();
}
void addLocalPath(RawDescriptor& raw, const Slot& slot, std::string value) {
    raw.files.back().local_path_map[slot.key] = std::move(value);
}

using D = SegmentDescriptor;
using enum Node;

constexpr std::array kMembers{
    text(Descriptor, "name", setText<&D::name>),
    text(Descriptor, "server_name", setRaw<&RawDescriptor::server_name>),
    text(Descriptor, "protocol", setProtocol),
    array(Descriptor, "protocol", Protocols, clearList<&D::protocols>),
    text(Protocols, kAny, addProtocol),
    integer(Descriptor, "tcp_data_port", setInteger<&D::tcp_data_port>),
    integer(Descriptor, "tcp_proto_version", setInteger<&D::tcp_proto_version>),
    text(Descriptor, "timestamp", setText<&D::timestamp>),
    text(Descriptor, "rdma_server_name", setText<&D::rdma_server_name>),

    array(Descriptor, "devices", Devices, clearList<&D::devices>),
    object(Devices, kAny, Device, addElement<&D::devices>),
    text(Device, "name", setElementText<&D::devices, &NicDevice::name>),
    number(Device, "lid", kMax16, setElementNumber<&D::devices, &NicDevice::lid>),
    text(Device, "gid", setElementText<&D::devices, &NicDevice::gid>),

    object(Descriptor, "priority_matrix", Matrix, clearList<&D::priority_matrix>),
    array(Matrix, kAny, MatrixEntry, openMatrixEntry),
    array(MatrixEntry, kAny, NicList, openNicList),
    text(NicList, kAny, addNic),

    array(Descriptor, "buffers", Buffers, openBuffers),
    object(Buffers, kAny, Buffer, addElement<&D::buffers>),
    text(Buffer, "name", setElementText<&D::buffers, &MemoryBuffer::name>),
    number(Buffer, "addr", kMax64, setElementNumber<&D::buffers, &MemoryBuffer::addr>),
    number(Buffer, "length", kMax64, setElementNumber<&D::buffers, &MemoryBuffer::length>),
    array(Buffer, "rkey", Rkeys, clearKeys<&MemoryBuffer::rkey>),
    number(Rkeys, kAny, kMax64, addKey<&MemoryBuffer::rkey>),
    array(Buffer, "lkey", Lkeys, clearKeys<&MemoryBuffer::lkey>),
    number(Lkeys, kAny, kMax64, addKey<&MemoryBuffer::lkey>),
    text(Buffer, "protocol", setElementText<&D::buffers, &MemoryBuffer::protocol>),
    text(Buffer, "file_path", setFilePath),
    object(Buffer, "local_path_map", LocalPaths, openLocalPaths),
    text(LocalPaths, kAny, addLocalPath),

    object(Descriptor, "nvmeof_generic_trid", Trid, openTrid),
    text(Trid, "trtype", setTrid<&NvmeTransportId::trtype, 0>),
    text(Trid, "adrfam", setTrid<&NvmeTransportId::adrfam, 1>),
    text(Trid, "traddr", setTrid<&NvmeTransportId::traddr, 2>),
    text(Trid, "trsvcid", setTrid<&NvmeTransportId::trsvcid, 3>),
    text(Trid, "subnqn", setTrid<&NvmeTransportId::subnqn, 4>),

    array(Descriptor, "file_buffers", FileBuffers, clearList<&D::file_buffers>),
    object(FileBuffers, kAny, FileBuffer, addElement<&D::file_buffers>),
    number(FileBuffer, "id", kMax32, setElementNumber<&D::file_buffers, &mc::FileBuffer::id>),
    text(FileBuffer, "path", setElementText<&D::file_buffers, &mc::FileBuffer::path>),
    number(FileBuffer, "size", kMax64, setElementNumber<&D::file_buffers, &mc::FileBuffer::size>),
    number(FileBuffer, "align", kMax64, setElementNumber<&D::file_buffers, &mc::FileBuffer::align>),
};

}  // namespace

std::span<const Member> descriptorMembers() {
    return kMembers;
}

}  // namespace mc
