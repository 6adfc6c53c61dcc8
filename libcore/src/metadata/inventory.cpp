#include "metadata/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mc/segment.h"

#include "base/errors.h"
#include "base/text.h"
#include "metadata/buffer_checks.h"
#include "metadata/pages.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kRpcMeta = "rpc_meta/";
constexpr std::string_view kCheckpoints = "checkpoint/";

// Of a cluster whose name comes before: a key that only means something to that one.
bool isOtherClusters(std::string_view key) {
    return key.contains("/rpc_meta/") || key.contains("/ram/");
}

void note(SegmentSummary& summary, std::string_view problem) {
    summary.problem += summary.problem.empty() ? "" : "; ";
    summary.problem += problem;
}

void addDescriptor(SegmentSummary& summary, std::string_view value, std::string version) {
    summary.published = true;
    summary.descriptor_version = std::move(version);
    const auto descriptor = decodeSegmentDescriptor(value);
    if (!descriptor) {
        summary.descriptor_problem = descriptor.error().message;
        return note(summary, descriptor.error().message);
    }
    summary.described_name = descriptor->name;
    summary.protocol = join(descriptor->protocols, "+");
    summary.is_static = descriptor->speaks("nvmeof");
    summary.serves_files = descriptor->speaks("nvmeof_generic");
    summary.timestamp = descriptor->timestamp;
    summary.tcp_data_port = descriptor->speaks("tcp") ? descriptor->tcp_data_port : 0;
    summary.doubts = bufferProblems(*descriptor);
    summary.buffers = descriptor->buffers.size() + descriptor->legacy_files.size() + descriptor->file_buffers.size();
    for (const auto& buffer : descriptor->buffers)
        summary.bytes += buffer.length;
    for (const auto& file : descriptor->legacy_files)
        summary.bytes += file.length;
    for (const auto& file : descriptor->file_buffers)
        summary.bytes += file.size;
}

void addOwner(SegmentSummary& summary, std::string_view value, std::string version) {
    summary.has_rpc_meta = true;
    summary.rpc_meta_version = std::move(version);
    auto owner = decodeRpcMeta(value);
    if (!owner) {
        summary.rpc_meta_problem = owner.error().message;
        return note(summary, owner.error().message);
    }
    summary.owner = std::move(*owner);
}

// Where the segment of a name is in the inventory.
using Places = std::map<std::string, std::size_t, std::less<>>;

SegmentSummary& summaryOf(std::string_view name, Inventory& inventory, Places& places) {
    auto place = places.find(name);
    if (place == places.end()) {
        place = places.emplace(name, inventory.segments.size()).first;
        inventory.segments.emplace_back().name = name;
    }
    return inventory.segments[place->second];
}

void add(Inventory& inventory, Places& places, const KeyNames& keys, Item& item) {
    const auto key = std::string_view(item.key).substr(keys.prefix().size());
    if (key.starts_with(kRpcMeta)) {
        ++inventory.rpc_metas;
        auto& summary = summaryOf(key.substr(kRpcMeta.size()), inventory, places);
        return addOwner(summary, item.value, std::move(item.version));
    }
    if (const auto name = keys.segmentName(item.key); !name.empty() && !isOtherClusters(key)) {
        ++inventory.descriptors;
        return addDescriptor(summaryOf(name, inventory, places), item.value, std::move(item.version));
    }
    ++(key.starts_with(kCheckpoints) ? inventory.checkpoints
       : isOtherClusters(key)        ? inventory.other_clusters
                                     : inventory.unknown);
}

}  // namespace

Result<Inventory> takeInventory(Store& store, const KeyNames& keys, Deadline deadline, const std::stop_token& stop) {
    Inventory inventory;
    Places places;
    const auto take = [&](Page& page) -> Result<bool> {
        for (auto& item : page.items)
            add(inventory, places, keys, item);
        return true;
    };
    const auto listed = forEachPage(store, {.prefix = keys.prefix(), .deadline = deadline, .stop = stop}, take);
    if (!listed) return std::unexpected(listed.error());
    std::ranges::sort(inventory.segments, {}, &SegmentSummary::name);
    return inventory;
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
    if (descriptor) addDescriptor(summary, descriptor->value, descriptor->version);
    if (owner) addOwner(summary, owner->value, owner->version);
    return summary;
}

}  // namespace mc::metadata
