#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "common/output.h"
#include "common/target_client.h"
#include "mc-target/commands.h"

namespace mc::target {

Result<ExitCode> save(const config::Values& values) {
    auto client = tools::connectToTarget(values, values.text("name"));
    if (!client) return std::unexpected(client.error());
    const auto result = client->call("save");
    if (!result) return std::unexpected(result.error());
    std::string text = *result + "\n";
    if (!values.flag("json")) {
        try {
            text = nlohmann::json::parse(*result).at("toml").get<std::string>();
        } catch (const nlohmann::json::exception& error) {
            return fail(ErrorCode::Protocol, fmt::format("save: {}", error.what()),
                        "is the target of another version?");
        }
    }
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::target
