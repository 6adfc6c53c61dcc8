#include "base/errors.h"
#include "mc-register/describe.h"
#include "segment/memory_segment.h"
#include "segment/topology.h"

namespace mc::registering {

Result<SegmentDescriptor> describeMemory(const config::Values& values, const metadata::SegmentKey& segment) {
    for (const auto* name : {"path", "local-server-name"}) {
        if (values.given(name)) return std::unexpected(values.error(name, "can't be combined with --memory"));
    }
    MemorySegmentPlan plan{
        .name = segment.name, .protocol = values.text("protocol"), .devices = {}, .priority_matrix = {}};
    for (const auto& text : values.texts("device")) {
        auto device = parseNicDevice(text);
        if (!device) return std::unexpected(device.error());
        plan.devices.push_back(std::move(*device));
    }
    if (values.has("nic-priority-matrix")) {
        auto matrix = readPriorityMatrix(values.text("nic-priority-matrix"));
        if (!matrix) return std::unexpected(matrix.error());
        plan.priority_matrix = std::move(*matrix);
    }
    return makeMemorySegment(std::move(plan));
}

}  // namespace mc::registering
