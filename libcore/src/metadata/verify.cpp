#include "metadata/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"
#include "io/socket.h"

namespace mc::metadata {
namespace {

using Kind = Finding::Kind;

constexpr std::string_view kFilesSuffix = "-files";

const SegmentSummary* find(const Inventory& inventory, const std::string& name) {
    const auto found = std::ranges::lower_bound(inventory.segments, name, {}, &SegmentSummary::name);
    return found != inventory.segments.end() && found->name == name ? &*found : nullptr;
}

/// Under which name peers look for the segment's rpc_meta.
const std::string& ownerName(const SegmentSummary& segment) {
    return segment.described_name.empty() || segment.is_static ? segment.name : segment.described_name;
}

std::string addressOf(const RpcMeta& owner) {
    return printable(formatHostPort(owner.ip_or_host_name, owner.rpc_port));
}

std::string tryDataPort(const RpcMeta& owner, std::uint16_t port, const HandshakeCallOptions& options) {
    const auto addresses = io::resolve(owner.ip_or_host_name, port);
    if (!addresses) return addresses.error().message;
    const auto socket = io::connectTo(*addresses, options.connect_timeout, options.interrupt);
    return socket ? "" : socket.error().message;
}

/// Collects what is wrong.
class Check {
  public:
    Check(const Inventory& inventory, const KeyNames& keys, const std::vector<SegmentLook>& looks)
        : inventory_(inventory), keys_(keys), looks_(looks) {}

    std::vector<Finding> findings() && {
        for (std::size_t i = 0; i < inventory_.segments.size(); ++i)
            checkSegment(inventory_.segments[i], looks_.empty() ? SegmentLook{} : looks_[i]);
        checkAddresses();
        return std::move(findings_);
    }

  private:
    using Group = std::vector<const SegmentSummary*>;

    void checkSegment(const SegmentSummary& segment, const SegmentLook& look) {
        checkValues(segment, look);
        if (segment.owner && look.owner) checkOwner(segment, look);
        if (segment.published && segment.descriptor_problem.empty()) checkOwnership(segment);
        if (!look.data_port_problem.empty()) {
            add(Kind::DeadDataPort, segment, {descriptorKey(segment)},
                fmt::format("its owner answers, its data port does not: {}", look.data_port_problem))
                .advice = "restart the owner, or let its port through the firewall";
        }
        const bool dead = look.owner && look.owner->state == OwnerState::Refused;
        for (const auto& doubt : segment.doubts) {
            if (dead) break;  // It goes as a whole.
            add(Kind::BadBuffers, segment, {descriptorKey(segment)}, doubt).advice =
                segment.is_static ? "register the files anew: mc-register add, with --if-exists=replace"
                                  : "restart the owner; if it publishes the same again, the fault is in its program";
        }
    }

    void checkValues(const SegmentSummary& segment, const SegmentLook& look) {
        if (!segment.descriptor_problem.empty()) {
            auto& finding = add(Kind::BadDescriptor, segment, {descriptorKey(segment)}, segment.descriptor_problem);
            if (look.owner && look.owner->alive()) {
                finding.advice = "its owner answers: restart it, so that it publishes the descriptor again";
            } else if (!look.owner || look.owner->state != OwnerState::Refused) {
                finding.remedies.push_back({Remedy::Kind::Remove, descriptorKey(segment), segment.descriptor_version});
                finding.advice = "a newer program may have written it: look at it before it goes, with mc-meta get";
            } else {
                finding.remedies.push_back({Remedy::Kind::Gc, segment.name, {}});
            }
        }
        if (!segment.rpc_meta_problem.empty()) {
            auto& finding = add(Kind::BadRpcMeta, segment, {rpcMetaKey(segment)}, segment.rpc_meta_problem);
            finding.remedies.push_back({Remedy::Kind::Remove, rpcMetaKey(segment), segment.rpc_meta_version});
            finding.advice = "an owner that lives is to be restarted then";
        }
    }

    void checkOwner(const SegmentSummary& segment, const SegmentLook& look) {
        const std::string address = addressOf(*segment.owner);
        const std::string& detail = look.owner->detail;
        std::vector<std::string> both;
        if (segment.published) both.push_back(descriptorKey(segment));
        both.push_back(rpcMetaKey(segment));
        switch (look.owner->state) {
            case OwnerState::Alive:
                if (segment.published) return;
                add(Kind::NoDescriptor, segment, {rpcMetaKey(segment)},
                    fmt::format("its owner at {} answers, but there is no {}", address, descriptorKey(segment)))
                    .advice = "if that lasts, the store has lost it: restart the owner";
                return;
            case OwnerState::Refused: {
                auto& finding = add(Kind::DeadOwner, segment, std::move(both),
                                    fmt::format("nobody listens at its owner's address {}: {}", address, detail));
                if (segment.is_static || ownerName(segment) != segment.name) {
                    finding.remedies.push_back({Remedy::Kind::Remove, rpcMetaKey(segment), segment.rpc_meta_version});
                } else {
                    finding.remedies.push_back({Remedy::Kind::Gc, segment.name, {}});
                }
                return;
            }
            case OwnerState::Silent: {
                auto& finding = add(Kind::SilentOwner, segment, std::move(both),
                                    fmt::format("its owner at {} does not answer: {}", address, detail));
                finding.remedies.push_back({Remedy::Kind::GcSilent, segment.name, {}});
                finding.advice = "only if it is known to be gone: it may be stopped, busy or behind a firewall";
                return;
            }
            case OwnerState::Unknown:
                add(Kind::UnreachableOwner, segment, std::move(both),
                    fmt::format("its owner at {} can't be asked from here: {}", address, detail))
                    .advice = "verify on a machine from which it can be reached";
                return;
        }
    }

    // Whether peers find who serves it.
    void checkOwnership(const SegmentSummary& segment) {
        // What has no buffers yet may wait for its engine.
        if (segment.is_static || segment.serves_files || (segment.buffers == 0 && !segment.has_rpc_meta)) return;
        const SegmentSummary* const owner = find(inventory_, ownerName(segment));
        if (owner != nullptr && owner->has_rpc_meta) return;
        const std::string missing = keys_.rpcMeta(ownerName(segment));
        if (segment.has_rpc_meta) {
            add(Kind::WrongName, segment, {descriptorKey(segment)},
                fmt::format("the descriptor calls itself {}, so that peers look for {}, which is not there",
                            printable(segment.described_name), printable(missing)))
                .advice = "restart the owner";
            return;
        }
        auto& finding = add(Kind::NoRpcMeta, segment, {descriptorKey(segment)},
                            fmt::format("peers can't find its owner: there is no {}", printable(missing)));
        finding.remedies.push_back({Remedy::Kind::Remove, descriptorKey(segment), segment.descriptor_version});
        finding.advice = "only if its owner is gone; one that lives is to be restarted";
    }

    // An engine that serves memory as NAME has the segment NAME-files of its own, at the same address.
    bool isBesideMemory(const SegmentSummary& segment) const {
        if (!segment.serves_files || !segment.name.ends_with(kFilesSuffix)) return false;
        const auto* const memory = find(inventory_, segment.name.substr(0, segment.name.size() - kFilesSuffix.size()));
        return memory != nullptr && memory->owner == segment.owner;
    }

    void checkAddresses() {
        std::map<std::string, Group> daemons;
        std::map<std::string, Group> data_ports;
        for (std::size_t i = 0; i < inventory_.segments.size(); ++i) {
            const auto& segment = inventory_.segments[i];
            if (!segment.owner) continue;
            const auto state = looks_.empty() || !looks_[i].owner ? OwnerState::Alive : looks_[i].owner->state;
            // The dead are told one by one, and go; and each machine has a loopback address of its own.
            if (state == OwnerState::Refused) continue;
            if (state == OwnerState::Unknown && isLoopbackHost(segment.owner->ip_or_host_name)) continue;
            if (!isBesideMemory(segment)) daemons[addressOf(*segment.owner)].push_back(&segment);
            if (segment.tcp_data_port == 0) continue;
            const auto port = static_cast<std::uint16_t>(segment.tcp_data_port);
            data_ports[printable(formatHostPort(segment.owner->ip_or_host_name, port))].push_back(&segment);
        }
        for (const auto& [address, group] : daemons) {
            if (group.size() > 1) addShared(Kind::SharedAddress, address, group);
        }
        for (const auto& [address, group] : data_ports) {
            const bool told = std::ranges::all_of(
                group, [&](const SegmentSummary* segment) { return *segment->owner == *group.front()->owner; });
            if (group.size() > 1 && !told) addShared(Kind::SharedDataPort, address, group);
        }
    }

    // Who came last has the port: that it was free then says that the others are gone.
    void addShared(Kind kind, const std::string& address, const Group& group) {
        std::vector<std::string> names;
        std::vector<std::string> keys;
        for (const auto* segment : group) {
            names.push_back(printable(segment->name));
            keys.push_back(kind == Kind::SharedAddress ? rpcMetaKey(*segment) : descriptorKey(*segment));
        }
        auto& finding = add(kind, *group.front(), std::move(keys),
                            fmt::format("{} are all at {}{}, where only one can be", join(names, ", "),
                                        kind == Kind::SharedDataPort ? "data port " : "", address));
        const bool dated = std::ranges::none_of(group, [](const auto* segment) { return segment->timestamp.empty(); });
        finding.advice = dated ? "unless the clocks differ, the one that was published last is the one that lives"
                               : "see which of them lives, and remove the keys of the others";
        if (!dated) return;
        const auto* const newest = *std::ranges::max_element(
            group, {}, [](const SegmentSummary* segment) -> const std::string& { return segment->timestamp; });
        for (const auto* segment : group) {
            if (segment == newest) continue;
            finding.remedies.push_back({Remedy::Kind::Remove, descriptorKey(*segment), segment->descriptor_version});
            finding.remedies.push_back({Remedy::Kind::Remove, rpcMetaKey(*segment), segment->rpc_meta_version});
        }
    }

    Finding& add(Kind kind, const SegmentSummary& segment, std::vector<std::string> keys, std::string cause) {
        findings_.push_back({.kind = kind,
                             .segment = segment.name,
                             .keys = std::move(keys),
                             .cause = std::move(cause),
                             .remedies = {},
                             .advice = {}});
        return findings_.back();
    }

    // A segment without a name has no descriptor, and its key is not told.
    std::string descriptorKey(const SegmentSummary& segment) const {
        return keys_.segment(segment.name).value_or(keys_.prefix());
    }
    std::string rpcMetaKey(const SegmentSummary& segment) const { return keys_.rpcMeta(segment.name); }

    const Inventory& inventory_;
    const KeyNames& keys_;
    const std::vector<SegmentLook>& looks_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<SegmentLook> lookAtAll(const Inventory& inventory, const LookOptions& options,
                                   const std::stop_token& stop) {
    const auto& segments = inventory.segments;
    std::vector<SegmentLook> looks(segments.size());
    const auto ask = [&](std::size_t i) {
        const auto& owner = segments[i].owner;
        if (!owner) return;
        looks[i].owner = options.loopback_is_here || !isLoopbackHost(owner->ip_or_host_name)
                             ? askOwner(*owner, options.call)
                             : OwnerProbe{OwnerState::Unknown, "a loopback address is that of its own machine"};
    };
    manyAtOnce(segments.size(), ask, stop);
    const auto connect = [&](std::size_t i) {
        const auto* const owner = find(inventory, ownerName(segments[i]));
        if (segments[i].tcp_data_port == 0 || owner == nullptr || !owner->owner) return;
        const auto& asked = looks[static_cast<std::size_t>(owner - segments.data())].owner;
        if (!asked || !asked->alive()) return;
        const auto port = static_cast<std::uint16_t>(segments[i].tcp_data_port);
        looks[i].data_port_problem = tryDataPort(*owner->owner, port, options.call);
    };
    manyAtOnce(segments.size(), connect, stop);
    return looks;
}

const char* toString(Kind kind) {
    switch (kind) {
        case Kind::BadDescriptor:
            return "bad_descriptor";
        case Kind::BadRpcMeta:
            return "bad_rpc_meta";
        case Kind::DeadOwner:
            return "dead_owner";
        case Kind::SilentOwner:
            return "silent_owner";
        case Kind::UnreachableOwner:
            return "unreachable_owner";
        case Kind::NoDescriptor:
            return "no_descriptor";
        case Kind::NoRpcMeta:
            return "no_rpc_meta";
        case Kind::WrongName:
            return "wrong_name";
        case Kind::DeadDataPort:
            return "dead_data_port";
        case Kind::BadBuffers:
            return "bad_buffers";
        case Kind::SharedAddress:
            return "shared_address";
        case Kind::SharedDataPort:
            return "shared_data_port";
    }
    std::unreachable();
}

std::vector<Finding> findProblems(const Inventory& inventory, const KeyNames& keys,
                                  const std::vector<SegmentLook>& looks) {
    return Check(inventory, keys, looks).findings();
}

}  // namespace mc::metadata
