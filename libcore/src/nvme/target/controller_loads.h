#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "nvme/target/controller.h"
#include "nvme/target/target.h"

namespace mc::nvme {

class Server;
class Worker;

/// What the controllers of a server are doing, gathered from its loops. From any thread.
class ControllerLoads {
  public:
    /// Asks all loops, and waits for them for the options' `status_timeout`. One that is late still adds what it has.
    static std::shared_ptr<ControllerLoads> gather(Server& server);

    /// Nothing unless all of its connections, which are so many, were found, or all loops have answered.
    std::optional<FileHostLoad> find(const std::shared_ptr<Controller>& controller, std::size_t connections) const;

  private:
    struct Entry {
        FileHostLoad load;
        std::size_t connections = 0;
    };
    using Entries = std::map<std::shared_ptr<Controller>, Entry>;

    void add(Worker& worker);
    static void add(Entries& entries, const std::shared_ptr<Controller>& controller, const Entry& part);

    mutable std::mutex mutex_;
    Entries entries_;
    bool complete_ = false;
};

}  // namespace mc::nvme
