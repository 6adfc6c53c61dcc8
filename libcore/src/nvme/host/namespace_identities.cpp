#include "nvme/host/namespace_identities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"
#include "nvme/uuid.h"

namespace mc::nvme {
namespace {

template <std::size_t Length>
bool isSet(const std::array<std::uint8_t, Length>& identifier) {
    return std::ranges::any_of(identifier, [](std::uint8_t byte) { return byte != 0; });
}

bool isTheSame(const NamespaceInfo& first, const NamespaceInfo& now) {
    bool proved = false;
    const auto contradicts = [&](const auto& before, const auto& after) {
        if (!isSet(before) || !isSet(after)) return false;
        proved = proved || before == after;
        return before != after;
    };
    if (contradicts(first.uuid, now.uuid) || contradicts(first.nguid, now.nguid) || contradicts(first.eui64, now.eui64))
        return false;
    // Of one that had none there is nothing else to go by.
    const bool had_any = isSet(first.uuid) || isSet(first.nguid) || isSet(first.eui64);
    return (proved || !had_any) && now.size >= first.size;
}

}  // namespace

std::optional<NamespaceInfo> NamespaceIdentities::check(const NamespaceInfo& now) {
    const std::lock_guard lock(mutex_);
    const auto& [nsid, first] = *first_.try_emplace(now.nsid, now).first;
    return isTheSame(first, now) ? std::nullopt : std::optional(first);
}

void NamespaceIdentities::forget(std::uint32_t nsid) {
    const std::lock_guard lock(mutex_);
    first_.erase(nsid);
}

std::string identityText(const NamespaceInfo& info) {
    const std::string size = formatSize(info.size);
    if (isSet(info.uuid)) return fmt::format("UUID {}, {}", formatUuid(info.uuid), size);
    if (isSet(info.nguid)) return fmt::format("NGUID {:02x}, {}", fmt::join(info.nguid, ""), size);
    if (isSet(info.eui64)) return fmt::format("EUI-64 {:02x}, {}", fmt::join(info.eui64, ""), size);
    return fmt::format("no identifier, {}", size);
}

}  // namespace mc::nvme
