#include "mc-register/running_target.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/target_client.h"
#include "mc-register/segment.h"

namespace mc::registering {
namespace {

/// Empty where none is named.
Result<std::string> targetName(const config::Values& values) {
    const std::string text = values.text("segment");
    if (text.empty()) return std::string();
    auto segment = metadata::parseSegmentKey(keyNames(values), text, metadata::SegmentKind::Memory);
    if (!segment) return std::unexpected(segment.error());
    if (segment->kind == metadata::SegmentKind::Files)
        return std::unexpected(values.error("segment", "is one of files, which no target serves"));
    return std::move(segment->name);
}

}  // namespace

Result<std::string> callTarget(const config::Values& values, const TargetCall& call, nlohmann::json params) {
    for (const auto name : call.foreign) {
        if (values.given(name))
            return std::unexpected(values.error(name, fmt::format("can't be combined with --{}", call.option)));
    }
    if (values.origin("metadata-server").source == config::Origin::Source::Flag)
        return std::unexpected(values.error("metadata-server", "is of no use: the target knows its own"));
    const auto name = targetName(values);
    if (!name) return std::unexpected(name.error());
    auto client = tools::connectToTarget(values, *name);
    if (!client) return std::unexpected(client.error());
    params["dry_run"] = values.flag("dry-run");
    return client->call(call.method, params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace mc::registering
