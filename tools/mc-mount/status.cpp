#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "common/output.h"
#include "mc-mount/commands.h"
#include "mc-mount/mounts.h"
#include "mc-mount/settings.h"
#include "mount/file_plan.h"
#include "mount/kernel_devices.h"
#include "mount/program.h"

namespace mc::mount {
namespace {

/// What the process that serves a mount says of it.
struct Answer {
    std::string problem;  ///< Why it can't be used; empty if it can.
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t flushes = 0;
    std::uint64_t failed = 0;
};

// By another process: one that reads from a mount that hangs can't be told to give up, but be killed.
Answer ask(const MountEntry& entry, Deadline deadline) {
    const auto read = runProgram({"cat", "--", entry.directory + "/" + kStatusFileName}, deadline);
    if (!read) return {.problem = read.error().message};
    if (read->status != 0) return {.problem = printable(split(read->output, '\n').front())};
    try {
        const auto told = nlohmann::json::parse(read->output);
        Answer answer{.problem = {},
                      .bytes_read = told.at("bytes_read").get<std::uint64_t>(),
                      .bytes_written = told.at("bytes_written").get<std::uint64_t>(),
                      .flushes = told.at("flushes").get<std::uint64_t>(),
                      .failed = told.at("failed_requests").get<std::uint64_t>()};
        if (!told.at("reachable").get<bool>()) answer.problem = told.at("problem").get<std::string>();
        return answer;
    } catch (const nlohmann::json::exception&) {
        return {.problem = "it is served by another version of mc-mount"};
    }
}

const char* wordFor(MountState state, const Answer& answer) {
    return state == MountState::Mounted && !answer.problem.empty() ? "unreachable" : toString(state);
}

void print(std::string& text, const MountEntry& entry, MountState state, const Answer& answer) {
    text += fmt::format("{}: segment {}, {}\n", printable(entry.directory), printable(entry.segment),
                        wordFor(state, answer));
    if (!answer.problem.empty()) text += fmt::format("  {}\n", answer.problem);
    if (state == MountState::Dead) text += "  the process that served it is gone, and it was taken off\n";
    if (state == MountState::Dead || state == MountState::Stopped) {
        text += fmt::format("  mc-mount restore mounts it again, mc-mount remove {} forgets it\n",
                            printable(entry.directory));
    }
    if (state != MountState::Mounted) return;
    const std::string files = counted(entry.files.size(), "file");
    if (!entry.controller.empty()) {
        text += fmt::format("  {} through {} {}, since {}\n", files, entry.controller, entry.device, entry.created);
        return;
    }
    text +=
        fmt::format("  {} through {}, process {}, since {}\n", files, entry.through, entry.server.pid, entry.created);
    text += fmt::format("  {} read, {} written, {}, {} failed\n", counted(answer.bytes_read, "byte"),
                        answer.bytes_written, counted(answer.flushes, "flush"), counted(answer.failed, "request"));
    if (entry.recorded) text += fmt::format("  recorded as mounted by {}\n", printable(entry.recorded->server_name));
}

}  // namespace

Result<ExitCode> runStatus(const config::Values& values, tools::StopSignals& stop) {
    const auto state_file = stateFile(values);
    if (!state_file) return std::unexpected(state_file.error());
    const auto mounts = seeMounts(*state_file);
    if (!mounts) return std::unexpected(mounts.error());
    const std::vector<std::string> words = values.texts("mount");
    for (const std::string& word : words) {
        const auto means = [&](const SeenMount& seen) { return isMeant(seen.entry, {word}); };
        if (std::ranges::none_of(*mounts, means)) {
            return fail(ErrorCode::NotFound, fmt::format("{}: is no mount of this user", printable(word)),
                        "mc-mount list shows them");
        }
    }
    std::string text;
    Json items = Json::array();
    bool usable = true;
    for (const auto& [entry, state] : *mounts) {
        if (!words.empty() && !isMeant(entry, words)) continue;
        if (stop.received() != 0) return stop.exitCode();
        Answer answer;
        if (state == MountState::Mounted) {
            answer = entry.controller.empty()
                         ? ask(entry, limit(values))
                         : Answer{.problem = controllerProblem(nvme::kernel::KernelHost(), entry.controller)};
        }
        usable = usable && state == MountState::Mounted && answer.problem.empty();
        print(text, entry, state, answer);
        Json item = describeMount(entry, wordFor(state, answer));
        item["problem"] = answer.problem.empty() ? Json(nullptr) : Json(answer.problem);
        item["bytes_read"] = answer.bytes_read;
        item["bytes_written"] = answer.bytes_written;
        item["flushes"] = answer.flushes;
        item["failed_requests"] = answer.failed;
        items.add(std::move(item));
    }
    if (values.flag("json")) text = Json{{"schema_version", 1}, {"items", std::move(items)}}.line();
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return usable ? ExitCode::Ok : ExitCode::Negative;
}

}  // namespace mc::mount
