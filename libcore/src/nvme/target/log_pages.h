#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nvme/target/async_events.h"
#include "nvme/target/controller.h"
#include "nvme/target/registry.h"

namespace mc::nvme {

/// What Get Log Page asks for (NVMe 1.4, section 5.14).
struct LogRequest {
    std::uint8_t page = 0;
    bool retain = false;       ///< RAE: the event stays told.
    std::uint64_t bytes = 0;   ///< NUMD, in bytes.
    std::uint64_t offset = 0;  ///< LPO.

    static LogRequest of(const SubmissionEntry& entry);
};

/// The log pages of one controller. Of an admin queue.
class LogPages {
  public:
    /// Where hosts find this controller.
    struct Place {
        std::string address;
        std::uint16_t port = 0;
    };

    LogPages(Controller& controller, const Registry& registry, AsyncEvents& events, Place place)
        : controller_(controller), registry_(registry), events_(events), place_(std::move(place)) {}

    /// Whether there is such a page, and it may be asked for so.
    Status check(const LogRequest& request, std::uint32_t nsid) const;
    /// All of the page.
    std::vector<std::byte> make(const LogRequest& request);

  private:
    std::vector<std::byte> makeErrors() const;
    std::vector<std::byte> makeHealth();
    std::vector<std::byte> makeChangedNamespaces(bool retain);

    Controller& controller_;
    const Registry& registry_;
    AsyncEvents& events_;
    Place place_;
};

}  // namespace mc::nvme
