#include "control/memory_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/text.h"

namespace mc::control {
namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string_view name, std::string_view rule) {
    return fail(ErrorCode::InvalidArgument, fmt::format("param \"{}\" {}", name, rule));
}

Result<void> expectOnly(const json& params, std::initializer_list<std::string_view> known) {
    if (!params.is_object()) return fail(ErrorCode::InvalidArgument, "params must be an object");
    for (const auto& [name, value] : params.items()) {
        if (std::ranges::find(known, name) == known.end()) return wrong(name, "is unknown");
    }
    return {};
}

Result<std::vector<std::string>> texts(const json& params, const char* name) {
    const auto found = params.find(name);
    const bool is_list = found != params.end() && found->is_array() && !found->empty();
    if (!is_list || !std::ranges::all_of(*found, [](const json& item) { return item.is_string(); }))
        return wrong(name, "must be a list of strings, and not be empty");
    return found->get<std::vector<std::string>>();
}

Result<bool> flag(const json& params, const char* name) {
    const auto found = params.find(name);
    if (found == params.end()) return false;
    if (!found->is_boolean()) return wrong(name, "must be true or false");
    return found->get<bool>();
}

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
    const auto memory = texts(params, "memory");
    if (!memory) return std::unexpected(memory.error());
    const auto dry_run = flag(params, "dry_run");
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
    const auto buffers = texts(params, "buffers");
    if (!buffers) return std::unexpected(buffers.error());
    const auto ignore_missing = flag(params, "ignore_missing");
    if (!ignore_missing) return std::unexpected(ignore_missing.error());
    const auto dry_run = flag(params, "dry_run");
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
