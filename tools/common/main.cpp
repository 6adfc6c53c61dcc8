#include "common/main.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <system_error>

#include "mc/version.h"

#include "base/errors.h"
#include "base/json.h"
#include "base/log.h"
#include "common/output.h"
#include "config/documents.h"
#include "mount/fuse_server.h"
#include "nvme/kernel/host/connect.h"

namespace mc::tools {
namespace {

std::string document(Json body) {
    Json whole{{"schema_version", 1}};
    whole.update(std::move(body));
    return whole.line();
}

// The transports that this build has, and what is optional in it.
std::vector<std::string> features() {
    std::vector<std::string> features{"tcp", "nvmeof_generic"};
    if (nvme::kernel::connectByLibnvme()) features.emplace_back("libnvme");
    if (mount::fuseIsBuiltIn()) features.emplace_back("fuse");
    return features;
}

std::string versionText(const config::Tool& tool, bool json) {
    if (json) return document({{"name", tool.main.name}, {"version", version()}, {"features", features()}});
    return fmt::format("{} {}\nfeatures: {}\n", tool.main.name, version(), fmt::join(features(), " "));
}

void tell(const config::Tool& tool, const Error& error, bool json, bool color) {
    fmt::print(stderr, "{}{}:{} {}\n", color ? "\033[1;31m" : "", tool.main.name, color ? "\033[0m" : "",
               error.message);
    if (!error.hint.empty()) fmt::print(stderr, "hint: {}\n", error.hint);
    if (!json) return;
    // Where not even this can be written, standard error has said what there is to say.
    (void)writeData(
        document({{"error", {{"code", toString(error.code)}, {"message", error.message}, {"hint", error.hint}}}}));
}

void setLogLevel(const config::Values& values) {
    if (values.flag("quiet")) return log::setLevel(log::Level::Error);
    if (values.flag("verbose")) return log::setLevel(log::Level::Debug);
    const bool known =
        std::ranges::any_of(values.entries(), [](const auto& entry) { return entry.option->name == "log-level"; });
    if (!known) return;
    if (const auto level = log::parseLevel(values.text("log-level"))) log::setLevel(*level);
}

// A standard stream that was closed before us would be the next file or socket that is opened, and get what is printed.
void holdStandardStreams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        // Not writable for standard output: data that nobody gets is an error.
        if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    }
}

Result<ExitCode> printed(Result<void> written) {
    if (!written) return std::unexpected(std::move(written.error()));
    return ExitCode::Ok;
}

Result<ExitCode> answer(const config::Tool& tool, const config::Values& values, const Action& action) {
    if (values.flag("help")) {
        const auto* command = config::findCommand(tool, values.command());
        return printed(writeText(config::helpText(tool, command, terminalWidth(STDOUT_FILENO))));
    }
    const bool json = values.flag("json");
    if (values.flag("version")) {
        const std::string text = versionText(tool, json);
        return printed(json ? writeData(text) : writeText(text));
    }
    if (values.flag("print-config")) {
        return printed(json ? writeData(config::effectiveJson(values)) : writeText(config::effectiveToml(values)));
    }
    setLogLevel(values);
    try {
        auto stop = StopSignals::open();
        if (!stop) return std::unexpected(stop.error());
        auto code = action(values, **stop);
        if (!code) return code;
        // Whatever it left in the buffer must have arrived for the code to be true.
        if (auto written = writeData(""); !written) return std::unexpected(written.error());
        return code;
    } catch (const std::system_error& refused) {  // What starts a thread says it like that.
        return fail(ErrorCode::System, refused.what(), "are there too many threads? see ulimit -u");
    } catch (const std::exception& defect) {
        return fail(ErrorCode::Internal, fmt::format("unexpected failure: {}", defect.what()),
                    "this is a defect of the tool: please report it");
    }
}

}  // namespace

int runMain(const config::Tool& tool, int argc, const char* const* argv, const Action& action) {
    holdStandardStreams();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // A write beyond `ulimit -f` is an error like others.
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    const config::Sources sources{.arguments = arguments, .environment = config::processEnvironment(), .toml_file = {}};
    const auto values = config::load(tool, sources);
    if (!values) {
        const auto json = config::glimpse(tool, sources, "json");
        const auto color = config::glimpse(tool, sources, "color");
        tell(tool, values.error(), json && std::get<bool>(*json),
             wantsColor(color ? std::get<std::string>(*color) : "auto", STDERR_FILENO));
        return static_cast<int>(exitCode(values.error().code));
    }
    const auto result = answer(tool, *values, action);
    if (result) return static_cast<int>(*result);
    tell(tool, result.error(), values->flag("json"), wantsColor(values->text("color"), STDERR_FILENO));
    return static_cast<int>(exitCode(result.error().code));
}

}  // namespace mc::tools
