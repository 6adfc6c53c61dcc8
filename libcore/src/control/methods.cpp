#include "control/methods.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "mc/version.h"

#include "base/text.h"
#include "control/file_methods.h"
#include "control/memory_methods.h"

namespace mc::control {
namespace {

using nlohmann::json;

const char* toString(PublishedKey::State state) {
    switch (state) {
        case PublishedKey::State::Ours:
            return "ours";
        case PublishedKey::State::Replaced:
            return "replaced";
        case PublishedKey::State::Missing:
            return "missing";
        case PublishedKey::State::Unknown:
            return "unknown";
    }
    return "unknown";
}

json toJson(const PublishedKey& key) {
    json object{{"key", key.key}, {"state", toString(key.state)}};
    if (!key.problem.empty()) object["problem"] = key.problem;
    return object;
}

template <typename Items>
json toArray(const Items& items) {
    json array = json::array();
    for (const auto& item : items)
        array.push_back(toJson(item));
    return array;
}

json toJson(const TargetStatus& status, const std::string& control_socket) {
    const auto started = std::chrono::floor<std::chrono::seconds>(status.started);
    return {{"schema_version", 1},
            {"name", status.name},
            {"pid", ::getpid()},
            {"version", version()},
            {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(started))},
            {"uptime_s", status.uptime.count()},
            {"protocol", join(status.protocols, ",")},
            {"host", status.host},
            {"rpc_port", status.rpc_port},
            {"data_port", status.data_port == 0 ? json(nullptr) : json(status.data_port)},
            {"control_socket", control_socket},
            {"buffers", toArray(status.buffers)},
            {"files_segment", status.files.empty() ? json(nullptr) : json(status.files_segment)},
            {"files", toArray(status.files)},
            {"file_service", status.file_service ? control::toJson(*status.file_service) : json(nullptr)},
            {"connections", status.counters.connections_served},
            {"connections_refused", status.counters.connections_refused},
            {"bytes_served", status.counters.bytes_served},
            {"requests_served", status.counters.requests_served},
            {"requests_rejected", status.counters.requests_rejected},
            {"metadata_server", status.metadata_server},
            {"keys", toArray(status.keys)}};
}

}  // namespace

RpcMethods targetMethods(Target& target, std::string control_socket) {
    RpcMethods methods;
    methods.add("status", "what is served, to how many, and whether the published keys are still there",
                [&target, control_socket = std::move(control_socket)](const json& params) -> Result<json> {
                    if (auto none = expectNoParams(params); !none) return std::unexpected(none.error());
                    const auto status = target.status();
                    if (!status) return std::unexpected(status.error());
                    return toJson(*status, control_socket);
                });
    methods.add("version", "name and version of the program", [](const json& params) -> Result<json> {
        if (auto none = expectNoParams(params); !none) return std::unexpected(none.error());
        return json{{"schema_version", 1}, {"name", "mc-target"}, {"version", version()}};
    });
    addMemoryMethods(methods, target);
    addFileMethods(methods, target);
    return methods;
}

}  // namespace mc::control
