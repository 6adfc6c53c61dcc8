#include "nvme/target/identify.h"

#include <nvme/types.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "mc/version.h"

#include "nvme/target/async_events.h"
#include "nvme/target/error_log.h"
#include "nvme/target/properties.h"
#include "nvme/wire/command.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr std::uint16_t kKeepAliveUnits = 10;  // KAS: 1 s, in units of 100 ms.
constexpr std::uint8_t kAbortLimit = 3;
constexpr std::uint32_t kAllNamespaces = 0xffffffff;
constexpr std::uint8_t kFlushOneOnly = 2 << 1;   // Of VWC: not with kAllNamespaces.
constexpr std::uint16_t kDisconnect = 1U << 0U;  // Of OFCS.
constexpr std::uint8_t kShared = 1U << 0U;       // Of NMIC.
constexpr std::uint8_t kWriteProtected = 1U << 0U;
constexpr std::uint8_t kZeroesMayDeallocate = 1U << 3U;  // Of DLFEAT.

// ASCII, padded with blanks.
template <std::size_t Size>
void put(char (&field)[Size], std::string_view text) {
    std::memset(field, ' ', Size);
    text.copy(field, Size);
}

void fillCommon(nvme_id_ctrl& id, const Controller& controller, const TargetOptions& options) {
    put(id.fr, version());
    id.cntlid = controller.id();
    id.ver = Properties::kVersion;
    id.mdts = static_cast<std::uint8_t>(std::countr_zero(options.max_transfer_bytes / 4096));
    id.ctratt = NVME_CTRL_CTRATT_128_ID;
    id.acl = kAbortLimit;
    id.aerl = AsyncEvents::kLimit - 1;
    id.frmw = NVME_CTRL_FRMW_1ST_RO | 1U << 1U;  // One slot.
    id.lpa = NVME_CTRL_LPA_CMD_EFFECTS | NVME_CTRL_LPA_EXTENDED;
    id.elpe = ErrorLog::kEntries - 1;
    id.kas = kKeepAliveUnits;
    id.maxcmd = options.queue_entries;
    id.sgls = 1U | NVME_CTRL_SGLS_OFFSET | NVME_CTRL_SGLS_TPORT;
}

void fillIo(nvme_id_ctrl& id, const Subsystem& subsystem, const TargetOptions& options) {
    put(id.sn, subsystem.options().serial);
    put(id.mn, subsystem.options().model);
    std::memcpy(id.subnqn, subsystem.nqn().data(), std::min(subsystem.nqn().size(), kMaxNqnLength));
    id.cmic = NVME_CTRL_CMIC_MULTI_PORT | NVME_CTRL_CMIC_MULTI_CTRL;
    id.oaes = NVME_CTRL_OAES_NA;
    id.cntrltype = NVME_CTRL_CNTRLTYPE_IO;
    id.sqes = 0x66;  // 64 bytes, smallest and largest.
    id.cqes = 0x44;  // 16
    id.nn = NamespaceTable::kMaxNsid;
    id.oncs = NVME_CTRL_ONCS_COMPARE | NVME_CTRL_ONCS_DSM | NVME_CTRL_ONCS_WRITE_ZEROES;
    id.vwc = NVME_CTRL_VWC_PRESENT | kFlushOneOnly;
    id.ioccsz = static_cast<std::uint32_t>((sizeof(SubmissionEntry) + options.in_capsule_bytes) / 16);
    id.iorcsz = sizeof(CompletionEntry) / 16;
    id.msdbd = 1;
    id.ofcs = kDisconnect;
}

void fillDiscovery(nvme_id_ctrl& id) {
    put(id.sn, "");
    put(id.mn, "discovery");
    std::memcpy(id.subnqn, kDiscoveryNqn, std::strlen(kDiscoveryNqn));
    id.oaes = 1U << 31U;  // Changes of the discovery log.
    id.cntrltype = NVME_CTRL_CNTRLTYPE_DISCOVERY;
}

void fillNamespace(nvme_id_ns& id, const Namespace& target) {
    id.nsze = id.ncap = id.nuse = target.blocks();
    id.nmic = kShared;
    id.dlfeat = kZeroesMayDeallocate;
    id.nsattr = target.isReadOnly() ? kWriteProtected : std::uint8_t{0};
    std::memcpy(id.nguid, target.options().nguid.data(), sizeof(id.nguid));
    id.lbaf[0].ds = static_cast<std::uint8_t>(target.blockShift());
}

void putDescriptor(std::span<std::byte>& data, std::uint8_t type, std::span<const std::uint8_t> identifier) {
    if (std::ranges::all_of(identifier, [](std::uint8_t byte) { return byte == 0; })) return;
    const nvme_ns_id_desc header{.nidt = type, .nidl = static_cast<std::uint8_t>(identifier.size()), .rsvd = 0};
    std::memcpy(data.data(), &header, sizeof(header));
    std::memcpy(data.data() + sizeof(header), identifier.data(), identifier.size());
    data = data.subspan(sizeof(header) + identifier.size());
}

void fillActive(const NamespaceTable& table, std::uint32_t after, std::span<std::byte> data) {
    for (std::size_t at = 0; at + sizeof(after) <= data.size(); at += sizeof(after)) {
        after = table.next(after);
        if (after == 0) return;
        std::memcpy(data.data() + at, &after, sizeof(after));
    }
}

Status identifyNamespace(const NamespaceTable& table, std::uint32_t nsid, std::span<std::byte> data) {
    if (nsid == 0 || nsid > NamespaceTable::kMaxNsid) return genericStatus(NVME_SC_INVALID_NS);
    // A number that nobody has is no error: all of it is zero.
    const Namespace* const target = table.find(nsid);
    if (target != nullptr) fillNamespace(*reinterpret_cast<nvme_id_ns*>(data.data()), *target);
    return 0;
}

Status describeNamespace(const NamespaceTable& table, std::uint32_t nsid, std::span<std::byte> data) {
    const Namespace* const target = table.find(nsid);
    if (target == nullptr) return genericStatus(NVME_SC_INVALID_NS);
    putDescriptor(data, NVME_NIDT_NGUID, target->options().nguid);
    putDescriptor(data, NVME_NIDT_UUID, target->options().uuid);
    return 0;
}

// What is the NVM command set's own: there is nothing to tell.
Status identifyCommandSet(const SubmissionEntry& entry, const NamespaceTable& table, bool of_namespace) {
    const std::uint32_t command_set = entry.cdw11 >> 24U;
    if (command_set != 0) return genericStatus(NVME_SC_INVALID_FIELD);
    if (of_namespace && table.find(entry.nsid) == nullptr) return genericStatus(NVME_SC_INVALID_NS);
    return 0;
}

Status identifyController(const Controller& controller, const TargetOptions& options, std::span<std::byte> data) {
    auto& id = *reinterpret_cast<nvme_id_ctrl*>(data.data());
    static_assert(sizeof(id) == kIdentifyLength);
    fillCommon(id, controller, options);
    if (controller.isDiscovery()) {
        fillDiscovery(id);
    } else {
        fillIo(id, *controller.identity().subsystem, options);
    }
    return 0;
}

}  // namespace

Status identify(const Controller& controller, const TargetOptions& options, const SubmissionEntry& entry,
                std::span<std::byte> data) {
    const std::uint32_t what = entry.cdw10 & 0xffU;
    if (what == NVME_IDENTIFY_CNS_CTRL) return identifyController(controller, options, data);
    if (controller.isDiscovery()) return genericStatus(NVME_SC_INVALID_FIELD);
    const auto table = controller.identity().subsystem->namespaces();
    switch (what) {
        case NVME_IDENTIFY_CNS_NS:
            return identifyNamespace(*table, entry.nsid, data);
        case NVME_IDENTIFY_CNS_NS_ACTIVE_LIST:
            if (entry.nsid >= kAllNamespaces - 1) return genericStatus(NVME_SC_INVALID_NS);
            fillActive(*table, entry.nsid, data);
            return 0;
        case NVME_IDENTIFY_CNS_NS_DESC_LIST:
            return describeNamespace(*table, entry.nsid, data);
        case NVME_IDENTIFY_CNS_CSI_NS:
            return identifyCommandSet(entry, *table, true);
        case NVME_IDENTIFY_CNS_CSI_CTRL:
            return identifyCommandSet(entry, *table, false);
        default:
            return genericStatus(NVME_SC_INVALID_FIELD);
    }
}

}  // namespace mc::nvme
