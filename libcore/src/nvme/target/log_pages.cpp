#include "nvme/target/log_pages.h"

#include <nvme/types.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include "mc/version.h"

#include "nvme/target/discovery_log.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr std::uint32_t kAllNamespaces = 0xffffffff;
constexpr std::uint64_t kDataUnit = std::uint64_t{1000} * 512;  // Of the health log.
constexpr std::size_t kMaxChanged = 1024;

template <typename Page>
std::vector<std::byte> bytesOf(const Page& page) {
    std::vector<std::byte> bytes(sizeof(page));
    std::memcpy(bytes.data(), &page, sizeof(page));
    return bytes;
}

// 16 bytes, of which 8 do.
void put(std::uint8_t (&field)[16], std::uint64_t value) {
    std::memcpy(field, &value, sizeof(value));
}

std::vector<std::byte> makeFirmware() {
    nvme_firmware_slot page{};
    page.afi = 1;
    std::memset(page.frs, ' ', sizeof(page.frs[0]));
    std::memcpy(page.frs[0], version(), std::min(std::strlen(version()), sizeof(page.frs[0])));
    return bytesOf(page);
}

std::vector<std::byte> makeEffects(bool discovery) {
    nvme_cmd_effects_log page{};
    for (const int opcode :
         {nvme_admin_get_log_page, nvme_admin_identify, nvme_admin_abort_cmd, nvme_admin_set_features,
          nvme_admin_get_features, nvme_admin_async_event, nvme_admin_keep_alive, nvme_admin_fabrics}) {
        page.acs[opcode] = NVME_CMD_EFFECTS_CSUPP;
    }
    if (discovery) return bytesOf(page);
    for (const int opcode : {nvme_cmd_flush, nvme_cmd_read, nvme_cmd_compare}) {
        page.iocs[opcode] = NVME_CMD_EFFECTS_CSUPP;
    }
    for (const int opcode : {nvme_cmd_write, nvme_cmd_write_zeroes, nvme_cmd_dsm}) {
        page.iocs[opcode] = NVME_CMD_EFFECTS_CSUPP | NVME_CMD_EFFECTS_LBCC;
    }
    return bytesOf(page);
}

}  // namespace

LogRequest LogRequest::of(const SubmissionEntry& entry) {
    constexpr std::uint32_t kRetain = 1U << 15U;
    const std::uint64_t dwords = ((entry.cdw10 >> 16U) | std::uint64_t{entry.cdw11 & 0xffffU} << 16U) + 1;
    return {.page = static_cast<std::uint8_t>(entry.cdw10),
            .retain = (entry.cdw10 & kRetain) != 0,
            .bytes = dwords * 4,
            .offset = entry.cdw12 | std::uint64_t{entry.cdw13} << 32U};
}

Status LogPages::check(const LogRequest& request, std::uint32_t nsid) const {
    const bool discovery = controller_.isDiscovery();
    bool known = false;
    switch (request.page) {
        case NVME_LOG_LID_ERROR:
        case NVME_LOG_LID_FW_SLOT:
        case NVME_LOG_LID_CMD_EFFECTS:
            known = true;
            break;
        case NVME_LOG_LID_SMART:
            if (!discovery && nsid != 0 && nsid != kAllNamespaces) return genericStatus(NVME_SC_INVALID_FIELD);
            known = !discovery;
            break;
        case NVME_LOG_LID_CHANGED_NS:
            known = !discovery;
            break;
        case NVME_LOG_LID_DISCOVER:
            known = discovery;
            break;
        default:
            break;
    }
    if (!known) return commandSpecificStatus(NVME_SC_INVALID_LOG_PAGE);
    return request.offset % 4 == 0 ? Status{0} : genericStatus(NVME_SC_INVALID_FIELD);
}

std::vector<std::byte> LogPages::make(const LogRequest& request) {
    switch (request.page) {
        case NVME_LOG_LID_ERROR:
            return makeErrors();
        case NVME_LOG_LID_SMART:
            return makeHealth();
        case NVME_LOG_LID_FW_SLOT:
            return makeFirmware();
        case NVME_LOG_LID_CHANGED_NS:
            return makeChangedNamespaces(request.retain);
        case NVME_LOG_LID_CMD_EFFECTS:
            return makeEffects(controller_.isDiscovery());
        default:
            events_.discoveryLogRead(request.retain);
            return makeDiscoveryLog(registry_, controller_.identity().host_nqn, place_);
    }
}

std::vector<std::byte> LogPages::makeErrors() const {
    std::vector<nvme_error_log_page> page(ErrorLog::kEntries);
    const auto entries = controller_.errors().entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = entries[entries.size() - 1 - i];  // The newest first.
        page[i] = {.error_count = entry.number,
                   .sqid = entry.queue,
                   .cmdid = entry.command,
                   .status_field = static_cast<std::uint16_t>(entry.status << 1U),
                   .parm_error_location = 0xffff,
                   .lba = entry.block,
                   .nsid = entry.nsid,
                   .trtype = NVMF_TRTYPE_TCP};
    }
    std::vector<std::byte> bytes(page.size() * sizeof(page[0]));
    std::memcpy(bytes.data(), page.data(), bytes.size());
    return bytes;
}

std::vector<std::byte> LogPages::makeHealth() {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    for (const auto& traffic : controller_.traffic()) {
        reads += traffic.reads.load(std::memory_order_relaxed);
        writes += traffic.writes.load(std::memory_order_relaxed);
        bytes_read += traffic.bytes_read.load(std::memory_order_relaxed);
        bytes_written += traffic.bytes_written.load(std::memory_order_relaxed);
    }
    const auto running = std::chrono::duration_cast<std::chrono::hours>(SteadyClock::now() - registry_.started());
    nvme_smart_log page{};   // No temperature: nothing here has a sensor.
    page.avail_spare = 100;  // Nothing wears out.
    put(page.data_units_read, (bytes_read + kDataUnit - 1) / kDataUnit);
    put(page.data_units_written, (bytes_written + kDataUnit - 1) / kDataUnit);
    put(page.host_reads, reads);
    put(page.host_writes, writes);
    put(page.power_on_hours, static_cast<std::uint64_t>(running.count()));
    put(page.num_err_log_entries, controller_.errors().count());
    return bytesOf(page);
}

std::vector<std::byte> LogPages::makeChangedNamespaces(bool retain) {
    const auto changed = events_.changedNamespaces(retain);
    std::vector<std::byte> bytes(kMaxChanged * sizeof(std::uint32_t));
    static_assert(NamespaceTable::kMaxNsid <= kMaxChanged, "there are never too many to be told one by one");
    std::ranges::copy(std::as_bytes(std::span(changed)), bytes.begin());
    return bytes;
}

}  // namespace mc::nvme
