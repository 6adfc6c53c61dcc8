// An NVMe/TCP target with namespaces of memory, and a host that keeps it busy. Each prints one line of JSON.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "host_load.h"
#include "memory_target.h"

namespace {

using Kind = mc::nvme::HostRequest::Kind;

void addTarget(CLI::App& command, mc::perf::MemoryTargetOptions& options) {
    command.add_option("--namespaces", options.namespaces)->check(CLI::Range(1, 1024));
    command.add_option("--namespace-size", options.namespace_size)->transform(CLI::AsSizeValue(false));
    command.add_option("--threads", options.threads);
    command.add_option("--congestion", options.congestion);
}

void addHost(CLI::App& command, mc::perf::HostLoadOptions& options) {
    command.add_option("--port", options.port)->required();
    command.add_option("--nqn", options.nqn)->required();
    command.add_option("--connections", options.connections, "controllers with one I/O queue each");
    command.add_option("--namespaces", options.namespaces, "how many requests are spread over");
    command.add_option("--operation", options.operation)
        ->transform(CLI::CheckedTransformer(
            std::vector<std::pair<std::string, Kind>>{{"read", Kind::Read}, {"write", Kind::Write}}));
    command.add_option("--block-size", options.block_size)->transform(CLI::AsSizeValue(false));
    command.add_option("--depth", options.depth, "requests under way on each connection")->check(CLI::Range(1, 1023));
    command.add_flag("--header-digest", options.header_digest);
    command.add_flag("--data-digest", options.data_digest);
    command.add_option("--seconds", options.seconds, "0: only connects");
    command.add_option("--congestion", options.congestion);
    command.add_flag("--hold", options.hold, "stays connected after the report, until stdin ends");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("An NVMe/TCP target with namespaces of memory, and a host that keeps it busy.");
    app.require_subcommand(1);
    mc::perf::MemoryTargetOptions target;
    mc::perf::HostLoadOptions host;
    CLI::App& target_command = *app.add_subcommand("target", "serves until stdin ends");
    addTarget(target_command, target);
    addHost(*app.add_subcommand("host", "random requests at a constant depth"), host);
    CLI11_PARSE(app, argc, argv);
    const auto ended = target_command.parsed() ? mc::perf::serveMemory(target) : mc::perf::runHostLoad(host);
    if (ended) return 0;
    fmt::print(stderr, "nvme_load: {}\n", ended.error().message);
    return static_cast<int>(mc::exitCode(ended.error().code));
}
