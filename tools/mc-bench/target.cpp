#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/serving.h"
#include "mc-bench/modes.h"

namespace mc::bench {
namespace {

using tools::Serving;

int dataPort(const Serving& ready) {
    return ready.files.empty() ? ready.data_port : std::atoi(ready.files_at.trsvcid.c_str());
}

std::string readyDocument(const Serving& ready, const Side& side) {
    Json buffers = Json::array();
    for (std::size_t i = 0; i < ready.buffers.size(); ++i) {
        buffers.add({{"addr", ready.buffers[i].addr},
                     {"length_bytes", ready.buffers[i].length},
                     {"location", side.buffers()[i].location()}});
    }
    Json files = Json::array();
    for (const auto& file : ready.files)
        files.add({{"number", file.id}, {"path", file.path}, {"size_bytes", file.size}});
    const Json document{
        {"schema_version", 1},          {"segment", ready.segment}, {"host", ready.host}, {"port", ready.rpc_port},
        {"data_port", dataPort(ready)}, {"buffers", buffers},       {"files", files},     {"pid", ::getpid()}};
    return document.line();
}

std::string readyLine(const Serving& ready) {
    const std::string what = ready.files.empty()
                                 ? fmt::format("{} x {}", ready.buffers.size(),
                                               formatSize(ready.buffers.empty() ? 0 : ready.buffers.front().length))
                                 : fmt::format("{} at {}", counted(ready.files.size(), "file"), ready.files_at.subnqn);
    return fmt::format("ready: segment {}, data port {}, {}, pid {}\n", ready.segment, dataPort(ready), what,
                       ::getpid());
}

void adviseUser(const Settings& settings, const Serving& ready) {
    tools::warnIfReachable(tools::boundHost(settings.engine, settings.local_server_name, ready.host));
    if (settings.buffer_raised) {
        fmt::print(stderr, "note: --buffer_size is raised to {}, which block_size * batch_size{} * threads needs\n",
                   formatSize(settings.buffer_size),
                   settings.workload.batches_in_flight > 1 ? " * batches-in-flight" : "");
    }
    fmt::print(stderr, "start the initiator with:\n  {}\n",
               tools::initiatorCommand(ready, settings.metadata_server, settings.engine, settings.workload));
}

}  // namespace

Result<ExitCode> runTarget(const Settings& settings, tools::StopSignals& stop) {
    auto side = Side::openTarget(settings);
    if (!side) return std::unexpected(side.error());
    const auto ready = tools::describeServing((*side)->engine());
    if (!ready) return std::unexpected(ready.error());
    if (!settings.quiet) adviseUser(settings, *ready);
    const bool json = settings.format == Format::Json;
    if (auto printed = tools::writeData(json ? readyDocument(*ready, **side) : readyLine(*ready)); !printed) {
        return std::unexpected(printed.error());
    }
    stop.wait();
    if (!settings.quiet) fmt::print(stderr, "stopping\n");
    return ExitCode::Ok;
}

}  // namespace mc::bench
