#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "mc-mount/commands.h"
#include "mc-mount/mounts.h"
#include "mc-mount/settings.h"
#include "mount/program.h"

namespace mc::mount {
namespace {

/// How it went with one of them.
struct Outcome {
    int status = 0;
    std::string problem;  ///< Empty: it is mounted.
    std::string hint;
};

// The last line of what `mc-mount add --json` prints is its document.
Outcome understand(const ProgramResult& ended) {
    Outcome outcome{.status = ended.status, .problem = {}, .hint = {}};
    if (ended.status == 0) return outcome;
    outcome.problem = "mc-mount add failed";
    for (const auto& line : split(ended.output, '\n')) {
        const auto document = nlohmann::json::parse(line, nullptr, false);
        if (!document.is_object() || !document.contains("error")) continue;
        outcome.problem = document["error"].value("message", outcome.problem);
        outcome.hint = document["error"].value("hint", "");
    }
    return outcome;
}

// A process for each: it is the command that mounted it, with the words that it had.
Outcome mountAgain(const std::string& program, const MountEntry& entry, const std::string& state_file) {
    std::vector<std::string> words{program, "add", "--json", "--quiet", "--state-file=" + state_file};
    words.insert(words.end(), entry.options.begin(), entry.options.end());
    const auto ended = runProgram(words, std::nullopt);  // It has a limit itself.
    if (!ended) return {.status = static_cast<int>(exitCode(ended.error().code)), .problem = ended.error().message};
    return understand(*ended);
}

}  // namespace

Result<ExitCode> runRestore(const config::Values& values, tools::StopSignals& stop) {
    const auto state_file = stateFile(values);
    if (!state_file) return std::unexpected(state_file.error());
    const auto mounts = seeMounts(*state_file);
    if (!mounts) return std::unexpected(mounts.error());
    std::error_code error;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    if (error) return failErrno("read", "/proc/self/exe", error.value());
    const bool dry_run = values.flag("dry-run");
    const bool quiet = values.flag("quiet");
    Json items = Json::array();
    int status = 0;
    for (const auto& [entry, state] : *mounts) {
        if (stop.received() != 0) return stop.exitCode();
        if (entry.supervised || state == MountState::Starting) continue;
        const bool there = state == MountState::Mounted;
        const Outcome outcome = there || dry_run ? Outcome{} : mountAgain(program, entry, *state_file);
        Json item{{"directory", entry.directory},
                  {"segment", entry.segment},
                  {"outcome", there                     ? "unchanged"
                              : dry_run                 ? "planned"
                              : outcome.problem.empty() ? "mounted"
                                                        : "failed"}};
        if (!outcome.problem.empty()) {
            status = outcome.status;
            item["error"] = Json{{"message", outcome.problem}, {"hint", outcome.hint}};
            fmt::print(stderr, "mc-mount: {}: {}\n", printable(entry.directory), outcome.problem);
            if (!outcome.hint.empty()) fmt::print(stderr, "hint: {}\n", outcome.hint);
        } else if (!quiet) {
            fmt::print(stderr, "{} {} at {}\n",
                       there     ? "already mounted:"
                       : dry_run ? "would mount"
                                 : "mounted",
                       printable(entry.segment), printable(entry.directory));
        }
        items.add(std::move(item));
    }
    if (values.flag("json")) {
        const Json document{{"schema_version", 1}, {"items", std::move(items)}};
        if (auto printed = tools::writeData(document.line()); !printed) return std::unexpected(printed.error());
    }
    return static_cast<ExitCode>(status);
}

}  // namespace mc::mount
