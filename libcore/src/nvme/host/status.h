#pragma once

#include <cstdint>
#include <string>

#include "mc/error.h"

#include "nvme/wire/command.h"

namespace mc::nvme::host {

/// A status code and type (NVME_SC_*), for a person: "invalid namespace (0x00b)".
std::string statusText(std::uint16_t status);

/// Why a controller refused the Connect command.
Error connectRefusal(const CompletionEntry& answer, const std::string& place, const std::string& subsystem_nqn,
                     const std::string& host_nqn);

}  // namespace mc::nvme::host
