#include "nvme/host/admin_commands.h"

#include <nvme/types.h>

#include <bit>

#include "nvme/wire/fabrics.h"

namespace mc::nvme::host {
namespace {

SubmissionEntry property(const PropertyCommand& command) {
    return std::bit_cast<SubmissionEntry>(command);
}

}  // namespace

AdminCommand identify(std::string_view name, std::uint8_t structure, std::uint32_t nsid, std::span<std::byte> data) {
    SubmissionEntry entry;
    entry.opcode = nvme_admin_identify;
    entry.nsid = nsid;
    entry.cdw10 = structure;
    return {.name = name, .entry = entry, .data = data, .to_host = true};
}

AdminCommand getLogPage(std::string_view name, std::uint8_t page, std::uint64_t offset, std::span<std::byte> data) {
    const std::uint64_t dwords = (data.size() / 4) - 1;
    SubmissionEntry entry;
    entry.opcode = nvme_admin_get_log_page;
    entry.cdw10 = page | static_cast<std::uint32_t>((dwords & 0xffffU) << 16U);
    entry.cdw11 = static_cast<std::uint32_t>(dwords >> 16U);
    entry.cdw12 = static_cast<std::uint32_t>(offset);
    entry.cdw13 = static_cast<std::uint32_t>(offset >> 32U);
    return {.name = name, .entry = entry, .data = data, .to_host = true};
}

AdminCommand setFeatures(std::string_view name, std::uint8_t feature, std::uint32_t value) {
    SubmissionEntry entry;
    entry.opcode = nvme_admin_set_features;
    entry.cdw10 = feature;
    entry.cdw11 = value;
    return {.name = name, .entry = entry, .data = {}};
}

AdminCommand propertyGet(std::string_view name, std::uint32_t offset, bool eight_bytes) {
    PropertyCommand command;
    command.type = FabricsType::PropertyGet;
    command.attributes = eight_bytes ? 1 : 0;
    command.offset = offset;
    return {.name = name, .entry = property(command), .data = {}};
}

AdminCommand propertySet(std::string_view name, std::uint32_t offset, std::uint32_t value) {
    PropertyCommand command;
    command.type = FabricsType::PropertySet;
    command.offset = offset;
    command.value_low = value;
    return {.name = name, .entry = property(command), .data = {}};
}

}  // namespace mc::nvme::host
