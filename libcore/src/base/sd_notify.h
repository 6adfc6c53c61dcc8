#pragma once

#include <string_view>

namespace mc {

/// Tells the service manager that started this process ("READY=1", "STOPPING=1", several lines with '\n' between), by
/// the datagram socket that NOTIFY_SOCKET names; does nothing without one. Never waits, never fails: a manager that
/// can't be told has its own time limit.
void notifyServiceManager(std::string_view state);

}  // namespace mc
