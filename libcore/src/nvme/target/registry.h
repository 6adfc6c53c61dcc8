#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nvme/target/controller.h"
#include "nvme/target/subsystem.h"
#include "nvme/target/target.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {

/// The subsystems of a target, and the controllers that hosts have made. From any thread; asked when hosts connect and
/// by admin commands, not by I/O.
class Registry {
  public:
    /// What Connect answers with.
    struct Outcome {
        Status status = 0;
        std::uint32_t result = 0;  ///< The field that is wrong: IPO and IATTR.
        std::shared_ptr<Controller> controller;
    };

    Registry(const TargetOptions& options, std::size_t loops) : options_(options), loops_(loops) {}

    Result<void> add(std::shared_ptr<Subsystem> subsystem);
    std::shared_ptr<Subsystem> remove(const std::string& nqn);
    std::shared_ptr<Subsystem> find(const std::string& nqn) const;
    /// Those that the host may connect to.
    std::vector<std::shared_ptr<Subsystem>> visibleTo(const std::string& host_nqn) const;
    /// Of the discovery log: counts changes.
    std::uint64_t generation() const { return generation_.load(); }

    const TargetOptions& options() const { return options_; }
    SteadyClock::time_point started() const { return started_; }

    /// A new controller for an admin queue. `identity` knows where the host comes from.
    Outcome connectAdmin(const ConnectData& data, Controller::Identity identity);
    /// How the loops are told to end what is left of a controller's queues; set before hosts connect.
    using EndQueues = std::function<void(std::shared_ptr<Controller>)>;
    void onControllerLost(EndQueues end_queues) { end_queues_ = std::move(end_queues); }

    /// The controller that an I/O queue belongs to; the queue is its until `disconnect`.
    Outcome connectQueue(const ConnectData& data, std::uint16_t queue);
    /// A queue ends; with the admin queue, 0, the controller, and its other queues are told to.
    void disconnect(const Controller& controller, std::uint16_t queue);

    struct ConnectedController {
        std::shared_ptr<Controller> controller;
        std::uint32_t io_queues = 0;
    };
    std::vector<ConnectedController> controllers() const;

  private:
    struct Entry {
        std::shared_ptr<Controller> controller;
        std::vector<bool> queues;  // By number; 0 is the admin queue.
    };
    std::uint16_t freeId();

    const TargetOptions& options_;
    const std::size_t loops_;
    const SteadyClock::time_point started_ = SteadyClock::now();
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Subsystem>> subsystems_;
    std::map<std::uint16_t, Entry> controllers_;
    std::uint16_t last_id_ = 0;
    std::atomic<std::uint64_t> generation_ = 1;
    EndQueues end_queues_;
};

}  // namespace mc::nvme
