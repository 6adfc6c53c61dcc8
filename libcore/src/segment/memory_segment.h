#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

namespace mc {

/// What is known of a RAM segment before its engine runs.
struct MemorySegmentPlan {
    std::string name;
    std::string protocol;
    std::vector<NicDevice> devices;
    PriorityMatrix priority_matrix;  ///< Empty: every device, for memory of "cpu:0".
};

/// "mlx5_2:17:fe:80:...": a device's name, its LID and its GID. InvalidArgument says what is wrong.
Result<NicDevice> parseNicDevice(std::string_view text);

/// The descriptor of a RAM segment without buffers, which its engine adds when it runs. It has `server_name`, too, as
/// Mooncake's documents show it. InvalidArgument for an unknown protocol or one of files, for devices of a protocol
/// that has none, and for a matrix that names others.
Result<SegmentDescriptor> makeMemorySegment(MemorySegmentPlan plan);

}  // namespace mc
