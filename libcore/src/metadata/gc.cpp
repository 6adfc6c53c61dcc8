#include "metadata/gc.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mc/segment.h"

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"
#include "metadata/content_version.h"
#include "metadata/dump.h"
#include "segment/timestamp.h"

namespace mc::metadata {
namespace {

using Fate = GcCandidate::Fate;

constexpr std::string_view kStaticFiles = "nvmeof";

void spare(GcCandidate& candidate, std::string why) {
    candidate.fate = Fate::Spared;
    candidate.why = std::move(why);
}

std::unexpected<Error> failed(GcCandidate& candidate, const std::string& key, const Error& error) {
    candidate.fate = Fate::Failed;
    candidate.why = error.message;
    return std::unexpected(wrap(printable(key), error));
}

// A version that comes back with the content.
bool isOfContent(const Item& item) {
    return item.version.empty() || item.version == contentVersion(item.value);
}

std::string answerOf(const OwnerProbe& probe) {
    if (!probe.detail.empty()) return "its owner: " + probe.detail;
    return probe.alive() ? "its owner answers" : "its owner was not asked";
}

}  // namespace

const char* toString(Fate fate) {
    switch (fate) {
        case Fate::Condemned:
            return "planned";
        case Fate::Removed:
            return "removed";
        case Fate::Spared:
            return "spared";
        case Fate::Failed:
            return "failed";
    }
    std::unreachable();
}

bool GarbageCollector::isOldEnough(const std::string& timestamp) const {
    if (!rules_.older_than) return true;
    const auto written = parseTimestamp(timestamp);
    return written && rules_.now - *written > *rules_.older_than;
}

std::string GarbageCollector::reasonToSpare(const SegmentSummary& segment) const {
    if (!segment.has_rpc_meta) return segment.is_static ? "static" : "no rpc_meta: there is no owner to ask";
    if (!segment.owner) return "its rpc_meta can't be read";
    if (segment.protocol == kStaticFiles) return "static";
    // Such a name has the key of another segment, or none.
    const auto key = keys_.segment(segment.name);
    if (!key || keys_.segmentName(*key) != segment.name) return "no name of a segment";
    if (!segment.described_name.empty() && segment.described_name != segment.name)
        return fmt::format("its descriptor is that of {}", printable(segment.described_name));
    if (!rules_.loopback_is_here && isLoopbackHost(segment.owner->ip_or_host_name))
        return fmt::format("{} means its own machine, which may be another one", segment.owner->ip_or_host_name);
    if (!isOldEnough(segment.timestamp)) return segment.timestamp.empty() ? "no timestamp" : "not old enough";
    return {};
}

GarbageCollector::Candidates GarbageCollector::suspects(const std::vector<SegmentSummary>& segments) const {
    Candidates candidates;
    candidates.reserve(segments.size());
    for (const auto& segment : segments) {
        auto& candidate = candidates.emplace_back();
        candidate.name = segment.name;
        candidate.owner = segment.owner;
        candidate.timestamp = segment.timestamp;
        if (auto why = reasonToSpare(segment); !why.empty()) spare(candidate, std::move(why));
    }
    return candidates;
}

void GarbageCollector::probe(Candidates& candidates) const {
    for (auto* candidate : ask(candidates, [](const GcCandidate& each) { return each.condemned(); })) {
        const OwnerProbe& answer = candidate->probes.back();
        const bool dead =
            answer.state == OwnerState::Refused || (answer.state == OwnerState::Silent && rules_.silent_is_dead);
        if (!dead) spare(*candidate, answerOf(answer));
    }
}

std::vector<GcCandidate*> GarbageCollector::ask(Candidates& candidates,
                                                const std::function<bool(const GcCandidate&)>& whom) const {
    std::vector<GcCandidate*> asked;
    std::vector<RpcMeta> owners;
    for (auto& candidate : candidates) {
        if (!whom(candidate)) continue;
        asked.push_back(&candidate);
        owners.push_back(*candidate.owner);
    }
    if (asked.empty()) return asked;
    auto answers = ask_(owners);
    for (std::size_t i = 0; i < asked.size(); ++i)
        asked[i]->probes.push_back(std::move(answers[i]));
    return asked;
}

std::string GarbageCollector::reasonToSpare(const GcCandidate& candidate, const VersionedValue& value) const {
    const auto descriptor = decodeSegmentDescriptor(value.value);
    if (!descriptor) return isOldEnough({}) ? "" : "no timestamp";
    if (descriptor->speaks(kStaticFiles)) return "static";
    if (!descriptor->name.empty() && descriptor->name != candidate.name)
        return fmt::format("its descriptor is that of {}", printable(descriptor->name));
    if (!isOldEnough(descriptor->timestamp)) return "published anew";
    return {};
}

Result<void> GarbageCollector::readOne(GcCandidate& candidate, Deadline deadline) const {
    const std::string key = keys_.rpcMeta(candidate.name);
    auto rpc_meta = store_.get(key, deadline);
    if (!rpc_meta && rpc_meta.error().code != ErrorCode::NotFound) return failed(candidate, key, rpc_meta.error());
    const auto owner = rpc_meta ? decodeRpcMeta(rpc_meta->value) : std::unexpected(rpc_meta.error());
    if (!owner || *owner != *candidate.owner) {
        spare(candidate, rpc_meta ? "published anew" : "its rpc_meta is gone");
        return {};
    }
    candidate.rpc_meta = Item{key, std::move(rpc_meta->value), std::move(rpc_meta->version)};

    const auto descriptor_key = keys_.segment(candidate.name);
    if (!descriptor_key) return std::unexpected(descriptor_key.error());
    auto descriptor = store_.get(*descriptor_key, deadline);
    if (!descriptor && descriptor.error().code == ErrorCode::NotFound) return {};
    if (!descriptor) return failed(candidate, *descriptor_key, descriptor.error());
    if (auto why = reasonToSpare(candidate, *descriptor); !why.empty()) spare(candidate, std::move(why));
    candidate.descriptor = Item{*descriptor_key, std::move(descriptor->value), std::move(descriptor->version)};
    return {};
}

Result<void> GarbageCollector::read(Candidates& candidates, Deadline deadline, const std::stop_token& stop) const {
    for (auto& candidate : candidates) {
        if (stop.stop_requested()) return {};
        if (!candidate.condemned()) continue;
        if (auto done = readOne(candidate, deadline); !done) return done;
    }
    return {};
}

// False where somebody has changed or removed it.
Result<bool> GarbageCollector::removeUnchanged(const Item& item, Deadline deadline) const {
    if (item.version.empty()) {
        const auto found = store_.get(item.key, deadline);
        if (!found && found.error().code != ErrorCode::NotFound) return std::unexpected(found.error());
        if (!found || found->value != item.value) return false;
    }
    const auto removed = store_.remove(item.key, unchanged({item.value, item.version}), deadline);
    if (removed) return true;
    if (removed.error().code == ErrorCode::Busy || removed.error().code == ErrorCode::NotFound) return false;
    return std::unexpected(removed.error());
}

Result<void> GarbageCollector::removeDescriptors(Candidates& candidates, Deadline deadline,
                                                 const std::stop_token& stop) const {
    for (auto& candidate : candidates) {
        if (stop.stop_requested()) return {};
        if (!candidate.condemned() || !candidate.descriptor) continue;
        const auto removed = removeUnchanged(*candidate.descriptor, deadline);
        if (!removed) return failed(candidate, candidate.descriptor->key, removed.error());
        candidate.descriptor_removed = *removed;
        if (!*removed) spare(candidate, "published anew, or removed by somebody else");
    }
    return {};
}

Result<void> GarbageCollector::removeRpcMetas(Candidates& candidates, Deadline deadline,
                                              const std::stop_token& stop) const {
    for (auto& candidate : candidates) {
        if (stop.stop_requested()) return {};
        if (!candidate.condemned()) continue;
        const auto removed = removeUnchanged(*candidate.rpc_meta, deadline);
        if (!removed) return failed(candidate, candidate.rpc_meta->key, removed.error());
        candidate.rpc_meta_removed = *removed;
        candidate.fate = Fate::Removed;
        if (!*removed) spare(candidate, "published anew, or removed by somebody else");
    }
    return {};
}

void GarbageCollector::putBack(GcCandidate& candidate) const {
    // An answer that it is there again is as good.
    const auto put = [&](bool& removed, const std::optional<Item>& item) {
        if (!removed) return;
        auto done = store_.put(item->key, item->value, Precondition::absent(), std::nullopt);
        if (!done && done.error().code == ErrorCode::Unsupported && !store_.get(item->key, std::nullopt))
            done = store_.put(item->key, item->value, Precondition::any(), std::nullopt);
        removed = !done && done.error().code != ErrorCode::AlreadyExists && done.error().code != ErrorCode::Unsupported;
        if (!removed) return;
        candidate.fate = Fate::Failed;
        candidate.why += fmt::format("; {} could not be put back: {}", printable(item->key), done.error().message);
    };
    put(candidate.rpc_meta_removed, candidate.rpc_meta);
    put(candidate.descriptor_removed, candidate.descriptor);
}

void GarbageCollector::lookAgain(Candidates& candidates, const std::function<void()>& pause) const {
    const auto doubtful = [](const GcCandidate& candidate) {
        return candidate.fate == Fate::Removed && isOfContent(*candidate.rpc_meta);
    };
    if (std::ranges::none_of(candidates, doubtful)) return;
    pause();
    for (auto* candidate : ask(candidates, doubtful)) {
        const OwnerProbe& answer = candidate->probes.back();
        if (!answer.alive()) continue;
        spare(*candidate, answerOf(answer) + " by now; its keys were put back");
        putBack(*candidate);
    }
}

Result<void> GarbageCollector::remove(Candidates& candidates, const std::function<void()>& pause, Deadline deadline,
                                      const std::stop_token& stop) const {
    probe(candidates);
    auto done = removeDescriptors(candidates, deadline, stop);
    const bool again = std::ranges::any_of(candidates, [](const GcCandidate& candidate) {
        return candidate.condemned() && isOfContent(*candidate.rpc_meta);
    });
    if (done && again && !stop.stop_requested()) probe(candidates);
    if (done) done = removeRpcMetas(candidates, deadline, stop);
    for (auto& candidate : candidates) {
        if (candidate.condemned() && done) spare(candidate, "stopped before it was removed");
        if (candidate.fate == Fate::Spared) putBack(candidate);
    }
    if (done && !stop.stop_requested()) lookAgain(candidates, pause);
    return done;
}

bool isUnguarded(const GarbageCollector::Candidates& candidates) {
    return std::ranges::any_of(candidates, [](const GcCandidate& candidate) {
        return candidate.condemned() && candidate.rpc_meta && candidate.rpc_meta->version.empty();
    });
}

std::string undoDump(const GarbageCollector::Candidates& candidates, std::string_view prefix) {
    std::map<std::string, const std::string*> items;
    for (const auto& candidate : candidates) {
        if (!candidate.condemned()) continue;
        for (const auto* item : {&candidate.descriptor, &candidate.rpc_meta}) {
            if (*item) items.emplace((*item)->key, &(*item)->value);
        }
    }
    std::string dump = dumpHeader(prefix);
    for (const auto& [key, value] : items)
        dump += dumpLine(key, *value);
    return dump + dumpEnd(items.size());
}

}  // namespace mc::metadata
