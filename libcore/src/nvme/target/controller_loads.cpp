#include "nvme/target/controller_loads.h"

#include <algorithm>

#include "nvme/target/server.h"

namespace mc::nvme {

std::shared_ptr<ControllerLoads> ControllerLoads::gather(Server& server) {
    auto loads = std::make_shared<ControllerLoads>();
    const bool complete =
        server.inEachLoop([loads](Worker& worker) { loads->add(worker); }, server.options().status_timeout);
    const std::lock_guard lock(loads->mutex_);
    loads->complete_ = complete;
    return loads;
}

// Under the lock only what the loop has found, so that loops don't wait for each other's system calls.
void ControllerLoads::add(Worker& worker) {
    Entries found;
    worker.forEach([&](Connection& connection) {
        if (connection.controller()) add(found, connection.controller(), {.load = connection.load(), .connections = 1});
    });
    const std::lock_guard lock(mutex_);
    for (const auto& [controller, entry] : found)
        add(entries_, controller, entry);
}

void ControllerLoads::add(Entries& entries, const std::shared_ptr<Controller>& controller, const Entry& part) {
    Entry& entry = entries[controller];
    FileHostLoad& sum = entry.load;
    sum.round_trip = std::max(sum.round_trip, part.load.round_trip);
    sum.retransmitted_segments += part.load.retransmitted_segments;
    sum.unacknowledged_bytes += part.load.unacknowledged_bytes;
    sum.unsent_bytes += part.load.unsent_bytes;
    sum.queued_bytes += part.load.queued_bytes;
    sum.commands += part.load.commands;
    sum.on_device += part.load.on_device;
    sum.awaiting_data += part.load.awaiting_data;
    sum.sending += part.load.sending;
    entry.connections += part.connections;
}

std::optional<FileHostLoad> ControllerLoads::find(const std::shared_ptr<Controller>& controller,
                                                  std::size_t connections) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(controller);
    if (found == entries_.end() || !(complete_ || found->second.connections >= connections)) return std::nullopt;
    return found->second.load;
}

}  // namespace mc::nvme
