#include "common/confirm.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "base/errors.h"
#include "base/text.h"

namespace mc::tools {

bool canAsk() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

Result<bool> confirm(std::string_view question, const StopSignals& stop) {
    constexpr int kLookAtSignalsMs = 100;
    fmt::print(stderr, "{} [y/N] ", question);
    std::fflush(stderr);
    pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    while (stop.received() == 0) {
        const int count = ::poll(&ready, 1, kLookAtSignalsMs);
        if (count < 0 && errno != EINTR) return failErrno("poll", "standard input", errno);
        if (count <= 0) continue;
        std::array<char, 256> line{};  // A terminal hands out a line at a time.
        const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failErrno("read", "standard input", errno);
        const std::string answer = toLower(std::string_view(line.data(), static_cast<std::size_t>(got)));
        return answer == "y\n" || answer == "yes\n";
    }
    fmt::print(stderr, "\n");
    return false;
}

}  // namespace mc::tools
