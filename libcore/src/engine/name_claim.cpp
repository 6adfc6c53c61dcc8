#include "engine/name_claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "mc/segment.h"

#include "base/address.h"
#include "base/errors.h"
#include "base/log.h"
#include "engine/engine_options.h"
#include "metadata/owner_probe.h"

namespace mc {
namespace {

using metadata::Precondition;
using metadata::RpcMeta;
using metadata::VersionedValue;

constexpr int kAttempts = 5;  // Of claimants that get in each other's way.

/// Nothing where the key is absent.
Result<std::optional<VersionedValue>> find(const NameClaim& claim, const std::string& key) {
    auto value = claim.store.get(key, storeDeadline(claim.options));
    if (value) return std::optional(std::move(*value));
    if (value.error().code == ErrorCode::NotFound) return std::nullopt;
    return std::unexpected(value.error());
}

// Whoever was at this address can't be there any more.
bool isBoundByClaimant(const NameClaim& claim, const RpcMeta& owner, const std::vector<io::SocketAddress>& addresses) {
    if (owner.rpc_port != claim.bound.port()) return false;
    if (owner.ip_or_host_name == claim.location.ip_or_host_name) return true;
    const std::string bound = claim.bound.host();
    const bool everywhere = bound == "0.0.0.0" || bound == "::";
    return std::ranges::any_of(addresses, [&](const io::SocketAddress& address) {
        return address.host() == bound || (everywhere && address.isLocal());
    });
}

std::unexpected<Error> taken(const NameClaim& claim, std::string_view by) {
    return fail(ErrorCode::AlreadyExists, fmt::format("server name {}: taken by {}", claim.name, by),
                "stop that one, use another --local_server_name, or take the name with --take-over=always");
}

/// Success if the owner is dead.
Result<void> expectDead(const NameClaim& claim, const RpcMeta& owner) {
    const auto addresses = io::resolve(owner.ip_or_host_name, owner.rpc_port);
    // Says more about our own name service than about the owner.
    if (!addresses) {
        const Error unknown = wrap(fmt::format("server name {}: look for its owner", claim.name), addresses.error());
        return fail(unknown.code, unknown.message,
                    "where that host is gone for good, --take-over=always takes the name");
    }
    if (isBoundByClaimant(claim, owner, *addresses)) return {};
    const std::string address = formatHostPort(owner.ip_or_host_name, owner.rpc_port);
    const EngineOptions& options = claim.options;
    const auto probe = metadata::probeOwner(
        *addresses, {.connect_timeout = std::min(options.handshake_connect_timeout, options.probe_timeout),
                     .reply_timeout = options.probe_timeout,
                     .max_message_length = options.handshake_max_length});
    if (!probe) {
        return std::unexpected(
            wrap(fmt::format("server name {}: probe its owner at {}", claim.name, address), probe.error()));
    }
    if (probe->alive()) {
        return taken(claim, fmt::format("a live owner at {}{}", address,
                                        probe->detail.empty() ? "" : fmt::format(" (which {})", probe->detail)));
    }
    log::info("server name {}: its owner at {} is gone ({}); taking it over", claim.name, address, probe->detail);
    return {};
}

// Of a descriptor without rpc_meta under its name.
Result<void> expectLeftover(const NameClaim& claim, const std::string& value) {
    const auto descriptor = decodeSegmentDescriptor(value);
    if (!descriptor) {
        log::warning("server name {}: replacing a descriptor that can't be read: {}", claim.name,
                     descriptor.error().message);
        return {};
    }
    // What a register tool has published has no daemon to ask.
    if (descriptor->speaks("nvmeof") || descriptor->speaks("nvmeof_generic"))
        return taken(claim, fmt::format("a static {} segment", descriptor->protocol()));
    if (!descriptor->name.empty() && descriptor->name != claim.name) {
        auto meta = find(claim, claim.keys.rpcMeta(descriptor->name));
        if (!meta) return std::unexpected(meta.error());
        if (*meta) {
            if (const auto owner = metadata::decodeRpcMeta((*meta)->value)) return expectDead(claim, *owner);
        }
    }
    const auto named = parseHostPort(claim.name);
    if (!named || !named->port) return {};  // Nobody says where to ask.
    return expectDead(claim, {named->host, *named->port});
}

Result<void> expectFree(const NameClaim& claim, const std::optional<VersionedValue>& meta,
                        const std::optional<VersionedValue>& segment) {
    if (claim.options.take_over == TakeOver::Always) return {};
    if (claim.options.take_over == TakeOver::Never && (meta || segment)) return taken(claim, "somebody");
    if (!meta) return segment ? expectLeftover(claim, segment->value) : Result<void>();
    const auto owner = metadata::decodeRpcMeta(meta->value);
    if (owner) return expectDead(claim, *owner);
    log::warning("server name {}: replacing an address that can't be read: {}", claim.name, owner.error().message);
    return {};
}

bool isLost(const Error& error) {
    return error.code == ErrorCode::Busy || error.code == ErrorCode::AlreadyExists;
}

/// Nothing if somebody else was faster.
Result<std::optional<std::string>> outcome(const NameClaim& claim, Result<std::string> put) {
    if (put) return std::optional(std::move(*put));
    if (isLost(put.error())) return std::nullopt;
    claim.on_failed_put(put.error());
    return std::unexpected(std::move(put.error()));
}

// Without preconditions. Some stock servers refuse to overwrite rpc_meta keys, and none refuses to remove them.
Result<std::optional<std::string>> putPlainly(const NameClaim& claim, const std::string& key, const std::string& value,
                                              bool exists) {
    if (exists) {
        auto removed = claim.store.remove(key, Precondition::any(), storeDeadline(claim.options));
        if (!removed && removed.error().code != ErrorCode::NotFound) return std::unexpected(removed.error());
    }
    return outcome(claim, claim.store.put(key, value, Precondition::any(), storeDeadline(claim.options)));
}

/// Nothing if somebody else was faster.
Result<std::optional<std::string>> tryToClaim(const NameClaim& claim) {
    const std::string meta_key = claim.keys.rpcMeta(claim.name);
    const auto segment_key = claim.keys.segment(claim.name);
    if (!segment_key) return std::unexpected(segment_key.error());
    const auto meta = find(claim, meta_key);
    if (!meta) return std::unexpected(meta.error());
    const auto segment = find(claim, *segment_key);
    if (!segment) return std::unexpected(segment.error());
    if (auto free = expectFree(claim, *meta, *segment); !free) return std::unexpected(free.error());

    if (*segment) {
        auto removed = claim.store.remove(*segment_key, unchanged(**segment), storeDeadline(claim.options));
        if (!removed && isLost(removed.error())) return std::nullopt;
        if (!removed && removed.error().code != ErrorCode::NotFound) return std::unexpected(removed.error());
    }
    const std::string value = metadata::encodeRpcMeta(claim.location);
    const bool exists = meta->has_value();
    if (exists && (*meta)->version.empty()) return putPlainly(claim, meta_key, value, exists);
    auto version = claim.store.put(meta_key, value, exists ? unchanged(**meta) : Precondition::absent(),
                                   storeDeadline(claim.options));
    if (!version && version.error().code == ErrorCode::Unsupported) return putPlainly(claim, meta_key, value, exists);
    return outcome(claim, std::move(version));
}

}  // namespace

Result<std::string> claimName(const NameClaim& claim) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto version = tryToClaim(claim);
        if (!version) return std::unexpected(version.error());
        if (*version) return std::move(**version);
    }
    return taken(claim, "several that want it at once");
}

}  // namespace mc
