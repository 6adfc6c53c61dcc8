#pragma once

#include <cstdint>
#include <expected>

#include "nvme/target/controller.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {

/// A controller's registers, as Property Get and Set see them (NVMe-oF 1.1, section 3.5): CAP, VS, CC, CSTS. Of its
/// admin queue, and used by its loop's thread alone.
class Properties {
  public:
    /// NVMe 1.4.
    static constexpr std::uint32_t kVersion = 0x10400;

    Properties(Controller& controller, std::uint16_t queue_entries)
        : controller_(controller), queue_entries_(queue_entries) {}

    std::expected<std::uint64_t, Status> get(const PropertyCommand& command) const;
    Status set(const PropertyCommand& command);

  private:
    void configure(std::uint32_t value);

    Controller& controller_;
    std::uint16_t queue_entries_;
    std::uint32_t configuration_ = 0;  // CC
    std::uint32_t status_ = 0;         // CSTS
};

}  // namespace mc::nvme
