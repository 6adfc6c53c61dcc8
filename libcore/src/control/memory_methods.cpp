#include "control/memory_methods.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/text.h"
#include "control/rpc_params.h"

namespace mc::control {
namespace {

using nlohmann::json;

json toArray(std::span<const ServedBuffer> buffers) {
    json array = json::array();
    for (const ServedBuffer& buffer : buffers)
        array.push_back(toJson(buffer));
    return array;
}

json document(const Target& target, std::span<const ServedBuffer> changed, bool dry_run) {
    return {{"schema_version", 1},
            {"name", target.name()},
            {"dry_run", dry_run},
            {"buffers", toArray(changed)},
            {"buffers_served", target.buffers().size()}};
}

Result<json> add(Target& target, const json& params) {
    if (auto known = expectOnly(params, {"memory", "dry_run"}); !known) return std::unexpected(known.error());
    const auto memory = textsParam(params, "memory");
    if (!memory) return std::unexpected(memory.error());
    const auto dry_run = flagParam(params, "dry_run");
    if (!dry_run) return std::unexpected(dry_run.error());
    std::vector<MemoryRequest> requests;
    for (const std::string& text : *memory) {
        const auto request = parseMemoryRequest(text);
        if (!request) return std::unexpected(wrap(fmt::format("memory {}", printable(text)), request.error()));
        requests.push_back(*request);
    }
    if (*dry_run) {
        if (auto possible = target.checkMemory(requests); !possible) return std::unexpected(possible.error());
        return document(target, {}, true);
    }
    const auto added = target.addMemory(requests);
    if (!added) return std::unexpected(added.error());
    return document(target, *added, false);
}

Result<json> remove(Target& target, const json& params) {
    if (auto known = expectOnly(params, {"buffers", "ignore_missing", "dry_run"}); !known)
        return std::unexpected(known.error());
    const auto buffers = textsParam(params, "buffers");
    if (!buffers) return std::unexpected(buffers.error());
    const auto ignore_missing = flagParam(params, "ignore_missing");
    if (!ignore_missing) return std::unexpected(ignore_missing.error());
    const auto dry_run = flagParam(params, "dry_run");
    if (!dry_run) return std::unexpected(dry_run.error());
    BufferChoice choice{.names = {}, .ignore_missing = *ignore_missing};
    for (const std::string& text : *buffers) {
        const auto name = parseBufferName(text);
        if (!name) return std::unexpected(name.error());
        choice.names.push_back(*name);
    }
    const auto removed = *dry_run ? target.findMemory(choice) : target.removeMemory(choice);
    if (!removed) return std::unexpected(removed.error());
    return document(target, *removed, *dry_run);
}

}  // namespace

json toJson(const ServedBuffer& buffer) {
    return {{"number", buffer.number},
            {"addr", buffer.addr},
            {"length_bytes", buffer.length},
            {"location", buffer.location},
            {"page_size_bytes", buffer.page_size},
            {"transparent_huge_pages", buffer.transparent},
            {"locked", buffer.locked}};
}

void addMemoryMethods(RpcMethods& methods, Target& target) {
    methods.add("add_memory", "serve more buffers: memory, a list of SIZE[@cpu:N]; dry_run",
                [&target](const json& params) { return add(target, params); });
    methods.add("remove_memory",
                "stop serving buffers: buffers, a list of numbers or addresses; ignore_missing, dry_run",
                [&target](const json& params) { return remove(target, params); });
}

}  // namespace mc::control
