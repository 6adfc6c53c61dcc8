#include "metadata/dump.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "mc-meta/output_file.h"

namespace mc::meta {

Result<ExitCode> runDump(const config::Values& values, tools::StopSignals& stop) {
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto write = [&](const std::function<Result<void>(std::string_view)>& sink) {
        return metadata::writeDump(**store, values.text("prefix"), sink, commandDeadline(values), stop.token());
    };

    Result<std::uint64_t> entries = 0;
    if (values.given("output")) {
        auto file = OutputFile::create(values.text("output"));
        if (!file) return std::unexpected(file.error());
        entries = write([&](std::string_view text) { return file->write(text); });
        if (entries && stop.received() == 0) {
            if (auto finished = file->finish(); !finished) return std::unexpected(finished.error());
        }
    } else {
        entries = write(tools::writeData);
    }
    if (!entries) return std::unexpected(entries.error());
    if (stop.received() != 0) return stop.exitCode();
    if (!values.flag("quiet")) fmt::print(stderr, "keys: {}\n", *entries);
    return ExitCode::Ok;
}

}  // namespace mc::meta
