#include "segment/memory_segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/errors.h"
#include "base/text.h"
#include "segment/protocols.h"
#include "segment/timestamp.h"

namespace mc {
namespace {

Result<void> checkProtocol(const MemorySegmentPlan& plan) {
    const auto* traits = findProtocol(plan.protocol);
    if (traits == nullptr) {
        const auto known = knownProtocols();
        const auto nearest = nearestName(plan.protocol, known);
        return fail(ErrorCode::InvalidArgument, fmt::format("protocol {}: unknown", printable(plan.protocol)),
                    nearest ? fmt::format("did you mean {}?", *nearest) : "known are " + join(known, ", "));
    }
    if (traits->kind == BufferKind::LegacyFiles || traits->kind == BufferKind::Namespaces)
        return fail(ErrorCode::InvalidArgument, fmt::format("protocol {}: is one of files", plan.protocol));
    if (traits->kind != BufferKind::KeyedMemory && !(plan.devices.empty() && plan.priority_matrix.empty()))
        return fail(ErrorCode::InvalidArgument, fmt::format("protocol {}: has no network devices", plan.protocol));
    return {};
}

Result<void> checkMatrix(const MemorySegmentPlan& plan) {
    for (const auto& [location, nics] : plan.priority_matrix) {
        for (const auto* list : {&nics.preferred, &nics.available}) {
            for (const auto& name : *list) {
                if (std::ranges::find(plan.devices, name, &NicDevice::name) != plan.devices.end()) continue;
                return fail(ErrorCode::InvalidArgument, fmt::format("priority matrix: {}: {} is none of the devices",
                                                                    printable(location), printable(name)));
            }
        }
    }
    return {};
}

PriorityMatrix everyDevice(const std::vector<NicDevice>& devices) {
    PriorityMatrix matrix;
    for (const auto& device : devices)
        matrix["cpu:0"].preferred.push_back(device.name);
    return matrix;
}

}  // namespace

Result<NicDevice> parseNicDevice(std::string_view text) {
    const auto wrong = [&](std::string_view what) {
        return fail(ErrorCode::InvalidArgument, fmt::format("device {}: {}", printable(text), what),
                    "write NAME:LID:GID, as in mlx5_2:17:fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce");
    };
    const auto first = text.find(':');
    const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos) return wrong("has not three parts");
    NicDevice device{.name = std::string(text.substr(0, first)), .gid = std::string(text.substr(second + 1))};
    const std::string_view lid = text.substr(first + 1, second - first - 1);
    const auto [end, error] = std::from_chars(lid.data(), lid.data() + lid.size(), device.lid);
    if (device.name.empty()) return wrong("the name is empty");
    if (error != std::errc{} || end != lid.data() + lid.size()) return wrong("the LID is no number up to 65535");
    if (device.gid.empty()) return wrong("the GID is empty");
    return device;
}

Result<SegmentDescriptor> makeMemorySegment(MemorySegmentPlan plan) {
    if (auto checked = checkProtocol(plan); !checked) return std::unexpected(checked.error());
    if (auto checked = checkMatrix(plan); !checked) return std::unexpected(checked.error());
    SegmentDescriptor descriptor;
    descriptor.others = nlohmann::json{{"server_name", plan.name}}.dump();
    descriptor.name = std::move(plan.name);
    descriptor.protocols = {std::move(plan.protocol)};
    descriptor.timestamp = formatTimestamp(std::chrono::system_clock::now());
    descriptor.priority_matrix =
        plan.priority_matrix.empty() ? everyDevice(plan.devices) : std::move(plan.priority_matrix);
    descriptor.devices = std::move(plan.devices);
    // The reader knows what a GID looks like.
    if (auto read = decodeSegmentDescriptor(encodeSegmentDescriptor(descriptor)); !read) {
        return fail(ErrorCode::InvalidArgument, read.error().message, read.error().hint);
    }
    return descriptor;
}

}  // namespace mc
