#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/wire/command.h"

namespace mc::nvme::host {

/// What a status code and type (NVME_SC_*) means: "invalid namespace"; of one that is not known, its type.
std::string_view statusWords(std::uint16_t status);

/// What it may come from where a request for a file's bytes ended so, or what may help; often empty.
std::string_view statusHint(std::uint16_t status);

/// Words and number: "invalid namespace (0x00b)".
std::string statusText(std::uint16_t status);

/// Why a controller refused the Connect command.
Error connectRefusal(const CompletionEntry& answer, const std::string& place, const std::string& subsystem_nqn,
                     const std::string& host_nqn);

}  // namespace mc::nvme::host
