#include "nvme/target/discovery_log.h"

#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/address.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

template <std::size_t Size>
void put(char (&field)[Size], std::string_view text) {
    std::ranges::copy(text.substr(0, Size - 1), field);
}

nvmf_disc_log_entry makeEntry(std::string_view address, std::string_view service) {
    nvmf_disc_log_entry entry{};
    entry.trtype = NVMF_TRTYPE_TCP;
    entry.adrfam = isIpv6(address) ? NVMF_ADDR_FAMILY_IP6 : NVMF_ADDR_FAMILY_IP4;
    entry.treq = NVMF_TREQ_NOT_SPECIFIED | NVMF_TREQ_DISABLE_SQFLOW;
    entry.cntlid = kAnyController;
    entry.asqsz = kAdminQueueMinEntries;
    put(entry.trsvcid, service);
    put(entry.traddr, address);
    return entry;
}

}  // namespace

std::vector<std::byte> makeDiscoveryLog(const Registry& registry, const std::string& host_nqn,
                                        const LogPages::Place& place) {
    std::vector<nvmf_disc_log_entry> entries;
    for (const auto& subsystem : registry.visibleTo(host_nqn)) {
        auto& entry = entries.emplace_back(makeEntry(place.address, std::to_string(place.port)));
        entry.subtype = NVME_NQN_NVME;
        put(entry.subnqn, subsystem->nqn());
    }
    for (const auto& referral : registry.options().referrals) {
        auto& entry = entries.emplace_back(makeEntry(referral.traddr, referral.trsvcid));
        entry.subtype = NVME_NQN_DISC;
        put(entry.subnqn, kDiscoveryNqn);
    }
    const auto listed = std::as_bytes(std::span(entries));
    std::vector<std::byte> bytes(sizeof(nvmf_discovery_log) + listed.size());
    const std::uint64_t generation = registry.generation(), count = entries.size();
    std::memcpy(bytes.data() + offsetof(nvmf_discovery_log, genctr), &generation, sizeof(generation));
    std::memcpy(bytes.data() + offsetof(nvmf_discovery_log, numrec), &count, sizeof(count));
    std::ranges::copy(listed, bytes.begin() + sizeof(nvmf_discovery_log));
    return bytes;
}

}  // namespace mc::nvme
