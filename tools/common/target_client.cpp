#include "common/target_client.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <ranges>

#include "base/errors.h"
#include "base/text.h"
#include "control/control_socket.h"

namespace mc::tools {
namespace {

using Path = std::filesystem::path;
using control::ControlClient;
using std::chrono::milliseconds;

// A target fills the pages of new memory before it answers.
constexpr std::chrono::hours kLongest{1};

std::unexpected<Error> noneRuns(const Path& directory) {
    return fail(ErrorCode::Unavailable, fmt::format("no target is running: {} has no live socket", directory.native()),
                "start one with mc-target --memory SIZE or --file PATH, or name its socket with --control-socket");
}

/// Those whose sockets are in the directory, by their names; not what killed ones have left.
std::map<std::string, Result<ControlClient>> connectToAll(const Path& directory, milliseconds timeout) {
    std::map<std::string, Result<ControlClient>> running;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (entry.path().extension() != ".sock") continue;
        auto client = ControlClient::connect(entry.path(), timeout);
        if (client || client.error().code != ErrorCode::Unavailable)
            running.emplace(entry.path().stem().string(), std::move(client));
    }
    return running;
}

Result<ControlClient> connectToOnly(const Path& directory, milliseconds timeout) {
    auto running = connectToAll(directory, timeout);
    if (running.empty()) return noneRuns(directory);
    if (running.size() == 1) return std::move(running.begin()->second);
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} targets are running: {}", running.size(), fmt::join(std::views::keys(running), ", ")),
                fmt::format("name one, such as {}", running.begin()->first));
}

Result<ControlClient> connectToNamed(const Path& directory, const std::string& name, milliseconds timeout) {
    auto client = ControlClient::connect(control::socketPath(directory, name), timeout);
    if (client || client.error().code != ErrorCode::Unavailable) return client;
    Error error = wrap(fmt::format("target {} is not running", printable(name)), std::move(client.error()));
    if (const auto running = connectToAll(directory, timeout); !running.empty())
        error.hint = fmt::format("these are running: {}", fmt::join(std::views::keys(running), ", "));
    return std::unexpected(std::move(error));
}

}  // namespace

Result<ControlClient> connectToTarget(const config::Values& values, const std::string& name) {
    const auto given = values.duration("timeout");
    const auto timeout = given.count() == 0 ? kLongest : std::chrono::ceil<milliseconds>(given);
    const std::string socket = values.text("control-socket");
    if (!socket.empty() && !name.empty())
        return std::unexpected(values.error("control-socket", "can't be combined with a name"));
    if (!socket.empty()) return ControlClient::connect(socket, timeout);
    const Path directory = control::socketDirectory();
    if (auto own = control::expectOwnDirectory(directory); !own) return std::unexpected(own.error());
    if (name.empty()) return connectToOnly(directory, timeout);
    return connectToNamed(directory, name, timeout);
}

}  // namespace mc::tools
