#include "control/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/futex.h"
#include "base/units.h"
#include "control/unix_address.h"

namespace mc::control {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxReply = 64 << 20;
constexpr ErrorCode kLastCode = ErrorCode::Config;

void setTimeout(const FileDescriptor& socket, int option, std::chrono::milliseconds timeout) {
    const auto wait = std::max(timeout, std::chrono::milliseconds(1));  // 0 would be for ever.
    const timeval value{wait.count() / 1000, (wait.count() % 1000) * 1000};
    ::setsockopt(socket.get(), SOL_SOCKET, option, &value, sizeof(value));
}

std::string describe(const std::filesystem::path& path) {
    return fmt::format("control socket {}", path.native());
}

std::unexpected<Error> broken(const std::filesystem::path& path, std::string_view problem) {
    return fail(ErrorCode::Protocol, fmt::format("{}: {}", describe(path), problem), "is it that of an mc-target?");
}

std::string textOf(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
}

ErrorCode codeNamed(const std::string& name) {
    for (int code = 0; code <= static_cast<int>(kLastCode); ++code) {
        if (name == toString(static_cast<ErrorCode>(code))) return static_cast<ErrorCode>(code);
    }
    return ErrorCode::Unavailable;
}

}  // namespace

ControlClient::ControlClient(FileDescriptor socket, std::filesystem::path path, std::chrono::milliseconds timeout)
    : socket_(std::move(socket)), path_(std::move(path)), timeout_(timeout) {}

Result<ControlClient> ControlClient::connect(const std::filesystem::path& path, std::chrono::milliseconds timeout) {
    const auto address = unixAddress(path);
    if (!address) return std::unexpected(address.error());
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return failErrno("socket", "", errno);
    setTimeout(socket, SO_SNDTIMEO, timeout);
    if (::connect(socket.get(), asSocketAddress(*address), sizeof(*address)) != 0) {
        const int number = errno;
        Error error = systemError(describe(path), "", number);
        if (number == ENOENT || number == ECONNREFUSED || number == ENOTDIR) {
            error.code = ErrorCode::Unavailable;
            error.hint = number == ECONNREFUSED ? "the target that made it was killed; start it again"
                                                : "start mc-target, or name its socket with --control-socket";
        } else if (number == EAGAIN) {
            error = {ErrorCode::TimedOut, fmt::format("{}: too many wait to be accepted", describe(path)), {}};
        } else if (number == EACCES || number == EPERM) {
            error.hint = "only root and the user that runs the target may ask";
        }
        return std::unexpected(std::move(error));
    }
    return ControlClient(std::move(socket), path, timeout);
}

Result<std::string> ControlClient::call(std::string_view method, std::string_view params) {
    json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}};
    if (!params.empty()) {
        request["params"] = json::parse(params, nullptr, false);
        if (request["params"].is_discarded())
            return fail(ErrorCode::InvalidArgument, fmt::format("params of {}: no JSON", method));
    }
    // A refusal may already be there when the request can't be sent any more.
    const auto sent = send(request.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
    const auto received = receiveLine();
    if (!received) return std::unexpected(sent ? received.error() : sent.error());
    const json reply = json::parse(*received, nullptr, false);
    if (!reply.is_object()) return broken(path_, "the reply is no JSON object");
    if (const auto error = reply.find("error"); error != reply.end()) {
        const json data = error->is_object() ? error->value("data", json::object()) : json::object();
        const std::string code = textOf(data, "code");
        // With a code it is the target's own word, and nothing is wrong with the socket.
        return fail(codeNamed(code),
                    fmt::format("{}: {}", code.empty() ? describe(path_) : "target", textOf(*error, "message")),
                    textOf(data, "hint"));
    }
    const auto result = reply.find("result");
    if (result == reply.end()) return broken(path_, "the reply has no result");
    return result->dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<void> ControlClient::send(std::string_view bytes) {
    setTimeout(socket_, SO_SNDTIMEO, timeout_);
    while (!bytes.empty()) {
        const auto put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN)
            return fail(ErrorCode::TimedOut, fmt::format("{}: the request is not read", describe(path_)));
        if (put < 0) return failErrno(describe(path_), "", errno);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<std::string> ControlClient::receiveLine() {
    const auto deadline = SteadyClock::now() + timeout_;
    for (;;) {
        if (const auto end = received_.find('\n'); end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        if (received_.size() > kMaxReply) return broken(path_, "the reply is too long");
        setTimeout(socket_, SO_RCVTIMEO,
                   std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()));
        std::array<char, 1 << 14> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
        const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            return fail(ErrorCode::Unavailable, fmt::format("{}: the target closed without a reply", describe(path_)),
                        "it is ending, or has too many clients");
        } else if (errno == EAGAIN) {
            return fail(ErrorCode::TimedOut,
                        fmt::format("{}: no reply within {}", describe(path_), formatDuration(timeout_)));
        } else if (errno != EINTR) {
            return failErrno(describe(path_), "", errno);
        }
    }
}

}  // namespace mc::control
