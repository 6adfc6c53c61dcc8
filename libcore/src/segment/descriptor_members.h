#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "segment/descriptor_reader.h"

namespace mc {

/// The objects and arrays that a descriptor is made of.
enum class Node : std::uint8_t {
    None,
    Descriptor,
    Protocols,
    Devices,
    Device,
    Matrix,
    MatrixEntry,
    NicList,
    Buffers,
    Buffer,
    Rkeys,
    Lkeys,
    LocalPaths,
    Trid,
    FileBuffers,
    FileBuffer,
};

enum class MemberType : std::uint8_t { Text, Unsigned, Integer, Object, Array };

/// Where in its parent a value stands: the key in an object, the index in an array.
struct Slot {
    std::string key;
    std::size_t index = 0;
};

/// One member of an object, or the elements of an array, and what to do with its value.
struct Member {
    Node parent = Node::None;
    std::string_view key;  ///< Empty: any key, any element.
    MemberType type = MemberType::Text;
    Node child = Node::None;                                        ///< Of an object or array.
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();  ///< Of a number.
    void (*open)(RawDescriptor&, const Slot&) = nullptr;  ///< Object, array: make room, forget an earlier one.
    void (*text)(RawDescriptor&, const Slot&, std::string) = nullptr;
    void (*number)(RawDescriptor&, std::uint64_t) = nullptr;
    void (*integer)(RawDescriptor&, int) = nullptr;
};

/// Every member that is read. A key may stand twice with different types.
std::span<const Member> descriptorMembers();

}  // namespace mc
