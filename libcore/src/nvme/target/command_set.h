#pragma once

#include "nvme/target/command.h"

namespace mc::nvme {

/// What a queue does with commands: one kind for a connection that is not yet a queue, one for admin queues of each
/// kind of controller, one for I/O queues. Lives in its connection and is called by its loop's thread only.
class CommandSet {
  public:
    CommandSet() = default;
    CommandSet(const CommandSet&) = delete;
    CommandSet& operator=(const CommandSet&) = delete;
    virtual ~CommandSet() = default;

    /// Looks at a new command: sets `direction` and `length`, and `extra`, `place`, `target` where it needs them, and
    /// changes nothing else, since it may be asked again. Not 0: the status with which the command ends at once.
    virtual Status prepare(Command& command) = 0;
    /// Carries it out: the host's data are at `data`, or what it wants is to be put there, and calls
    /// Connection::complete, at once or later.
    virtual void execute(Command& command) = 0;
    /// A host that gives an identifier away again has given up what waited under it: for something that may never
    /// happen, which is then over without a completion. False: nothing such does.
    virtual bool forget(std::uint16_t /*command_id*/) { return false; }
    /// Its request has ended on the device, with 0 or an errno.
    virtual void onDevice(Command& command, int error) = 0;
    /// That namespace of the controller's subsystem has come, gone or changed.
    virtual void onNamespace(std::uint32_t /*nsid*/) {}
    /// The discovery log has changed.
    virtual void onDiscoveryChange() {}
    /// Its host has shown all that it has to: until then a connection has connect_timeout.
    virtual bool isOpen() const { return true; }
    /// The connection is over: no command will be completed any more.
    virtual void onClose() {}
};

}  // namespace mc::nvme
