#include "mount/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace mc::mount {

ProcessId processId(pid_t pid) {
    if (pid == 0) pid = ::getpid();
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line)) return {};
    // Behind the command, which may have anything in it: the state is the third field, the start the twenty-second.
    constexpr std::size_t kStart = 22 - 3;
    const std::size_t end = line.rfind(')');
    if (end == std::string::npos || end + 2 > line.size()) return {};
    const std::vector<std::string> fields = split(std::string_view(line).substr(end + 2), ' ');
    if (fields.size() <= kStart || fields[0] == "Z" || fields[0] == "X") return {};
    ProcessId found{.pid = pid};
    const std::string& digits = fields[kStart];
    std::from_chars(digits.data(), digits.data() + digits.size(), found.started);
    return found;
}

bool isRunning(const ProcessId& process) {
    return process.pid > 0 && processId(process.pid) == process;
}

bool waitForEnd(const ProcessId& process, Deadline deadline) {
    while (isRunning(process)) {
        if (deadline && SteadyClock::now() >= *deadline) return false;
        // Wakes up once more where it was another one by now.
        const FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
        if (!handle) continue;
        int patience = -1;
        if (deadline) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now());
            patience = static_cast<int>(std::max<std::int64_t>(0, left.count()));
        }
        pollfd ended{handle.get(), POLLIN, 0};
        if (::poll(&ended, 1, patience) == 1) return true;
    }
    return true;
}

}  // namespace mc::mount
