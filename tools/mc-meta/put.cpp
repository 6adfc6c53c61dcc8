#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <stop_token>

#include "base/errors.h"
#include "base/fd.h"
#include "base/json.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"

namespace mc::meta {
namespace {

// As much as any server could take, so that a wrong file does not fill the memory.
constexpr std::size_t kLongest = std::size_t{1} << 30;
constexpr std::string_view kStdin = "standard input";

Result<std::string> readFile(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return failErrno("open", path, errno == 0 ? ENOENT : errno);
    std::string text;
    std::string block(1 << 16, '\0');
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
        text.append(block, 0, static_cast<std::size_t>(file.gcount()));
        if (text.size() > kLongest)
            return fail(ErrorCode::BadData, fmt::format("{}: longer than {} bytes", path, kLongest));
    }
    if (file.bad()) return failErrno("read", path, errno);
    return text;
}

// A signal ends the wait for more.
Result<std::string> readStandardInput(const tools::StopSignals& stop) {
    const FileDescriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stopped) return failErrno("eventfd", "", errno);
    const std::stop_callback wake(stop.token(), [&stopped] { (void)::eventfd_write(stopped.get(), 1); });
    std::string text;
    std::string block(1 << 16, '\0');
    while (text.size() <= kLongest) {
        std::array<pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {stopped.get(), POLLIN, 0}}};
        if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return failErrno("poll", kStdin, errno);
        if (ready[1].revents != 0) return text;
        const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
        if (got == 0) return text;
        if (got > 0) text.append(block, 0, static_cast<std::size_t>(got));
        if (got < 0 && errno != EINTR && errno != EAGAIN) return failErrno("read", kStdin, errno);
    }
    return fail(ErrorCode::BadData, fmt::format("{}: longer than {} bytes", kStdin, kLongest));
}

Result<std::string> valueFrom(const config::Values& values, const tools::StopSignals& stop) {
    std::string value = values.text("value");
    if (value.starts_with('@')) return readFile(value.substr(1));
    if (values.given("value") && value != "-") return value;
    if (!values.given("value") && ::isatty(STDIN_FILENO) == 1) {
        return fail(ErrorCode::InvalidArgument, "put: no value is given",
                    "give it after the key, as @FILE, or on standard input with -");
    }
    return readStandardInput(stop);
}

}  // namespace

Result<ExitCode> runPut(const config::Values& values, tools::StopSignals& stop) {
    if (values.flag("if-absent") && values.given("if-version"))
        return std::unexpected(values.error("if-version", "can't be combined with --if-absent"));
    const std::string key = values.text("key");
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto value = valueFrom(values, stop);
    if (!value) return std::unexpected(value.error());
    if (stop.received() != 0) return stop.exitCode();  // It may be a part of a value only.
    const auto precondition = values.flag("if-absent") ? metadata::Precondition::absent() : versionPrecondition(values);
    const auto version = (*store)->put(key, *value, precondition, commandDeadline(values));
    if (!version) return std::unexpected(answered(version.error(), values));
    if (!values.flag("quiet"))
        fmt::print(stderr, "put {}{}\n", key, version->empty() ? "" : fmt::format(", version {}", *version));
    if (!values.flag("json")) return ExitCode::Ok;
    const Json document{{"schema_version", 1},
                        {"key", key},
                        {"version", version->empty() ? Json(nullptr) : Json(*version)},
                        {"length_bytes", value->size()}};
    const std::string text = document.line();
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
