#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nvme/target/controller.h"
#include "nvme/wire/command.h"

namespace mc::nvme {

inline constexpr std::uint32_t kIdentifyLength = 4096;

/// Answers Identify into `data`, kIdentifyLength zeroes (NVMe 1.4, section 5.15). The status for what is not known.
Status identify(const Controller& controller, const TargetOptions& options, const SubmissionEntry& entry,
                std::span<std::byte> data);

}  // namespace mc::nvme
