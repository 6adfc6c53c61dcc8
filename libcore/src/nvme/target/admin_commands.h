#pragma once

#include <chrono>
#include <memory>

#include "nvme/target/async_events.h"
#include "nvme/target/command_set.h"
#include "nvme/target/controller.h"
#include "nvme/target/features.h"
#include "nvme/target/log_pages.h"
#include "nvme/target/properties.h"

namespace mc::nvme {

/// Of an admin queue, of an I/O or a discovery controller: admin and fabrics commands, and the keep-alive timer. The
/// controller lives as long as the queue.
class AdminCommands final : public CommandSet {
  public:
    AdminCommands(Connection& connection, std::shared_ptr<Controller> controller, std::chrono::milliseconds keep_alive);
    ~AdminCommands() override;
    AdminCommands(const AdminCommands&) = delete;
    AdminCommands& operator=(const AdminCommands&) = delete;

    Status prepare(Command& command) override;
    void execute(Command& command) override;
    bool forget(std::uint16_t command_id) override { return events_.forget(command_id); }
    void onDevice(Command& /*command*/, int /*error*/) override {}
    void onNamespace(std::uint32_t nsid) override;
    void onDiscoveryChange() override { events_.discoveryChanged(); }
    void onClose() override;

  private:
    Status prepareFabrics(const Command& command) const;
    Status prepareLogPage(Command& command) const;
    void executeFabrics(Command& command);
    void executeLogPage(Command& command);
    void executeFeatures(Command& command);
    void abort(Command& command);
    void startKeepAlive();
    void checkKeepAlive();

    Connection& connection_;
    std::shared_ptr<Controller> controller_;
    AsyncEvents events_;
    Properties properties_;
    Features features_;
    LogPages logs_;
    bool heard_ = false;  // Of the host, since the timer was set.
    int silent_ticks_ = 0;
    io::EventLoop::TimerId keep_alive_timer_ = 0;
};

}  // namespace mc::nvme
