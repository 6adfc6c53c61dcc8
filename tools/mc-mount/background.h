#pragma once

#include <optional>
#include <string>

#include "mc/error.h"

#include "common/stop_signals.h"
#include "mount/state_file.h"

namespace mc::mount {

/// Starts this program once more, with the same words, in a session of its own, and waits until it says that it has
/// mounted (what, is returned) or why not. It is ended where a signal comes before: nothing then.
Result<std::optional<MountEntry>> startInBackground(tools::StopSignals& stop);

/// In the process that was started: tells the one that waits. Once.
void announceMounted(int ready_fd, const MountEntry& entry);
void announceError(int ready_fd, const Error& error);

/// Lets go of what belongs to whoever started this process: the terminal, the working directory. What it has to say
/// goes to `log_file`, if any.
Result<void> detach(const std::string& log_file);

}  // namespace mc::mount
