#pragma once

#include <cstdint>
#include <span>

#include "nvme/host/admin_channel.h"

namespace mc::nvme::host {

AdminCommand identify(std::string_view name, std::uint8_t structure, std::uint32_t nsid, std::span<std::byte> data);
AdminCommand getLogPage(std::string_view name, std::uint8_t page, std::uint64_t offset, std::span<std::byte> data);
AdminCommand setFeatures(std::string_view name, std::uint8_t feature, std::uint32_t value);
AdminCommand propertyGet(std::string_view name, std::uint32_t offset, bool eight_bytes);
AdminCommand propertySet(std::string_view name, std::uint32_t offset, std::uint32_t value);

}  // namespace mc::nvme::host
