#include "metadata/inventory.h"

#include <fmt/format.h>

#include <map>

#include "mc/segment.h"

#include "base/errors.h"
#include "base/text.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::string_view kRpcMeta = "rpc_meta/";
constexpr std::string_view kMemory = "ram/";
constexpr std::string_view kCheckpoints = "checkpoint/";  // Of Mooncake's P2P store: what is in segments, not one.

/// The name whose descriptor is at this key, which is relative to the prefix; empty if it is no segment's.
std::string_view segmentName(std::string_view key) {
    if (key.starts_with(kCheckpoints)) return {};
    const std::string_view below = key.starts_with(kMemory) ? key.substr(kMemory.size()) : std::string_view();
    if (!below.empty() && !below.contains('/')) return below;
    return key.contains('/') ? key : std::string_view();
}

void note(SegmentSummary& summary, std::string_view problem) {
    summary.problem += summary.problem.empty() ? "" : "; ";
    summary.problem += problem;
}

void addDescriptor(SegmentSummary& summary, std::string_view value) {
    summary.published = true;
    const auto descriptor = decodeSegmentDescriptor(value);
    if (!descriptor) return note(summary, descriptor.error().message);
    summary.protocol = join(descriptor->protocols, "+");
    summary.is_static = descriptor->speaks("nvmeof") || descriptor->speaks("nvmeof_generic");
    summary.timestamp = descriptor->timestamp;
    summary.buffers = descriptor->buffers.size() + descriptor->legacy_files.size() + descriptor->file_buffers.size();
    for (const auto& buffer : descriptor->buffers)
        summary.bytes += buffer.length;
    for (const auto& file : descriptor->legacy_files)
        summary.bytes += file.length;
    for (const auto& file : descriptor->file_buffers)
        summary.bytes += file.size;
}

void addOwner(SegmentSummary& summary, std::string_view value) {
    auto owner = decodeRpcMeta(value);
    if (!owner) return note(summary, owner.error().message);
    summary.owner = std::move(*owner);
}

}  // namespace

Result<std::vector<SegmentSummary>> takeInventory(Store& store, const KeyNames& keys, Deadline deadline,
                                                  const std::stop_token& stop) {
    std::map<std::string, SegmentSummary, std::less<>> found;
    std::string after;
    do {
        const auto page = store.list(keys.prefix(), kPage, after, deadline);
        if (!page) return std::unexpected(page.error());
        for (const auto& item : page->items) {
            const auto key = std::string_view(item.key).substr(keys.prefix().size());
            if (key.starts_with(kRpcMeta)) {
                addOwner(found[std::string(key.substr(kRpcMeta.size()))], item.value);
            } else if (const auto name = segmentName(key); !name.empty()) {
                addDescriptor(found[std::string(name)], item.value);
            }
        }
        after = page->continuation;
    } while (!after.empty() && !stop.stop_requested());

    std::vector<SegmentSummary> all;
    for (auto& [name, summary] : found) {
        summary.name = name;
        all.push_back(std::move(summary));
    }
    return all;
}

Result<SegmentSummary> inspectSegment(Store& store, const KeyNames& keys, std::string_view name, Deadline deadline) {
    const auto key = keys.segment(name);
    if (!key) return std::unexpected(key.error());
    SegmentSummary summary{.name = std::string(name)};
    const auto descriptor = store.get(*key, deadline);
    if (!descriptor && descriptor.error().code != ErrorCode::NotFound) return std::unexpected(descriptor.error());
    const auto owner = store.get(keys.rpcMeta(name), deadline);
    if (!owner && owner.error().code != ErrorCode::NotFound) return std::unexpected(owner.error());
    if (!descriptor && !owner) {
        return fail(ErrorCode::NotFound, fmt::format("segment {}: nothing is published", printable(name)),
                    "mc-meta show lists what is");
    }
    if (descriptor) addDescriptor(summary, descriptor->value);
    if (owner) addOwner(summary, owner->value);
    return summary;
}

}  // namespace mc::metadata
