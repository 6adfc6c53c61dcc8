#pragma once

#include <cstdint>
#include <string_view>

#include "nvme/wire/pdu.h"

namespace mc::nvme::host {

/// As the specification calls it: "CapsuleResp".
std::string_view nameOf(PduType type);
/// What a Terminate::status means.
std::string_view fatalName(std::uint16_t status);

}  // namespace mc::nvme::host
