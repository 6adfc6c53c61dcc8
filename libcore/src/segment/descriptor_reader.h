#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

namespace mc {

/// A descriptor's members as they stand in the text: types and ranges are right, the rest is not checked yet.
struct RawDescriptor {
    SegmentDescriptor descriptor;   ///< `buffers` also has an entry for each file of an nvmeof segment.
    std::string server_name;        ///< The older spelling of `name`.
    std::vector<LegacyFile> files;  ///< By index of buffers, up to the last one that has a member of a file.
    NvmeTransportId trid;
    std::bitset<5> trid_members;  ///< Which of trid's members were there, in the struct's order.

    NicPriority* location = nullptr;           ///< While reading: the entry of the priority matrix that is open,
    std::vector<std::string>* nics = nullptr;  ///< and its list.
};

/// Reads the text of a descriptor without building a tree of it: memory stays within a small multiple of what the
/// descriptor itself holds, however deep or repetitive the text. Unknown members of the descriptor, its buffers and
/// its files are kept as text, others skipped; null is as good as missing, and the last of several members of one name
/// wins.
Result<RawDescriptor> readDescriptorText(std::string_view text);

/// The same for a priority matrix by itself.
Result<PriorityMatrix> readPriorityMatrixText(std::string_view text);

/// Text from outside as it may stand in a message: cut short, without control characters.
std::string excerpt(std::string_view text);

}  // namespace mc
