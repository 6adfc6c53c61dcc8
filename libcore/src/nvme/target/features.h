#pragma once

#include <cstdint>
#include <expected>

#include "nvme/target/async_events.h"
#include "nvme/target/controller.h"

namespace mc::nvme {

/// What Get and Set Features know (NVMe 1.4, section 5.21). Of an admin queue.
class Features {
  public:
    Features(Controller& controller, AsyncEvents& events, std::uint16_t max_io_queues)
        : controller_(controller), events_(events), max_io_queues_(max_io_queues) {}

    /// Bytes of data that Get Features has for the host besides its result; a status for what it would refuse.
    std::expected<std::uint32_t, Status> dataLength(const SubmissionEntry& entry) const;
    /// The result; `data`, of dataLength, is filled.
    std::expected<std::uint32_t, Status> get(const SubmissionEntry& entry, std::byte* data) const;
    std::expected<std::uint32_t, Status> set(const SubmissionEntry& entry);

    std::uint32_t keepAliveMilliseconds() const { return keep_alive_ms_; }
    void setKeepAlive(std::uint32_t milliseconds) { keep_alive_ms_ = milliseconds; }

  private:
    std::uint32_t queueCounts(std::uint32_t submission, std::uint32_t completion) const;
    std::uint32_t* plainValue(std::uint8_t feature);

    Controller& controller_;
    AsyncEvents& events_;
    std::uint16_t max_io_queues_;
    std::uint32_t granted_queues_ = 0xffffffff;  // NCQA and NSQA; all bits: not asked yet.
    std::uint32_t keep_alive_ms_ = 0;
    // Without consequence here, but what was set can be got.
    std::uint32_t arbitration_ = 0;
    std::uint32_t temperature_threshold_ = 0;
    std::uint32_t error_recovery_ = 0;
    std::uint32_t write_atomicity_ = 0;
};

}  // namespace mc::nvme
