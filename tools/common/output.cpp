#include "common/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/errors.h"

namespace mc::tools {
namespace {

bool isSet(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
    return value != nullptr && *value != '\0';
}

// 0, or errno.
int writeOut(std::string_view text) {
    const bool buffered = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (buffered && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
    return errno;
}

Result<void> written(int number) {
    if (number == 0) return {};
    return fail(ErrorCode::Io, "write standard output: " + std::generic_category().message(number));
}

}  // namespace

Result<void> writeData(std::string_view text) {
    return written(writeOut(text));
}

Result<void> writeText(std::string_view text) {
    const int number = writeOut(text);
    return written(number == EPIPE ? 0 : number);
}

bool wantsColor(std::string_view when, int fd) {
    if (when != "auto") return when == "always";
    return ::isatty(fd) == 1 && !isSet("NO_COLOR");
}

std::size_t terminalWidth(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return std::min<std::size_t>(size.ws_col, 120);
}

}  // namespace mc::tools
