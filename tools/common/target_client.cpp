#include "common/target_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/errors.h"
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
                "start one with mc-target --memory 1GiB, or name its socket with --control-socket");
}

/// A connection to the only target whose socket is in the directory.
Result<ControlClient> connectToOnly(const Path& directory, milliseconds timeout) {
    std::optional<ControlClient> found;
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (entry.path().extension() != ".sock") continue;
        auto client = ControlClient::connect(entry.path(), timeout);
        if (!client && client.error().code == ErrorCode::Unavailable) continue;  // What a killed one has left.
        if (!client) return client;
        names.push_back(entry.path().stem().string());
        found = std::move(*client);
    }
    if (names.empty()) return noneRuns(directory);
    if (names.size() == 1) return std::move(*found);
    std::ranges::sort(names);
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} targets are running: {}", names.size(), fmt::join(names, ", ")),
                fmt::format("name one, such as {}", names.front()));
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
    return ControlClient::connect(control::socketPath(directory, name), timeout);
}

}  // namespace mc::tools
