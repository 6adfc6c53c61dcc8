#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "nvme/target/command.h"

namespace mc::nvme {

/// What a controller tells its host without being asked, through the Asynchronous Event Requests that the host keeps
/// with it. An event is told once, until the host has read the log page that belongs to it. Of an admin queue.
class AsyncEvents {
  public:
    static constexpr std::size_t kLimit = 4;  ///< AERL, plus one.

    explicit AsyncEvents(Connection& connection);

    /// Whether one more request may wait.
    bool full() const { return requests_.size() >= kLimit; }
    void wait(Command& request);
    /// False where no request with that identifier waits.
    bool abort(std::uint16_t command_id);
    /// As abort, but its host is told nothing of it.
    bool forget(std::uint16_t command_id);

    /// The feature: bits of NVME_FEATURE_AENCFG_*.
    std::uint32_t enabled() const { return enabled_; }
    void enable(std::uint32_t events);

    void namespaceChanged(std::uint32_t nsid);
    void discoveryChanged();
    /// The log pages; read and not retained, the event may come again.
    std::vector<std::uint32_t> changedNamespaces(bool retain);
    void discoveryLogRead(bool retain);

  private:
    struct Event {
        std::uint32_t flag;    // Of the feature.
        std::uint32_t result;  // Type, what, and log page.
        bool pending = false;
        bool told = false;  // Its log page has not been read since.
    };
    Command* take(std::uint16_t command_id);
    void tell();

    Connection& connection_;
    std::vector<Command*> requests_;
    std::uint32_t enabled_ = 0;
    Event namespaces_;
    Event discovery_;
    std::set<std::uint32_t> changed_;
};

}  // namespace mc::nvme
