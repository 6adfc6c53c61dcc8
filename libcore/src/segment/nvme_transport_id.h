#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"
#include "mc/segment.h"

namespace mc {

/// Reads where files are served: "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420", in any order; "key:value" is
/// the same. InvalidArgument names the key that is missing, unknown, there twice, or has no value that can be meant.
Result<NvmeTransportId> parseNvmeTransportId(std::string_view text);

/// What parseNvmeTransportId() reads; the subsystem's name is left out.
std::string toString(const NvmeTransportId& trid);

}  // namespace mc
