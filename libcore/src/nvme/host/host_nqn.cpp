#include "nvme/host/host_nqn.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

#include "base/errors.h"
#include "nvme/uuid.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr const char* kHostNqnFile = "/etc/nvme/hostnqn";
constexpr const char* kMachineIdFile = "/etc/machine-id";
constexpr std::string_view kUuidPrefix = "nqn.2014-08.org.nvmexpress:uuid:";

// Empty where there is no such file.
std::string firstLine(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\n')) {
        line.pop_back();
    }
    return line;
}

}  // namespace

Result<std::string> hostNqn() {
    std::string nqn = firstLine(kHostNqnFile);
    if (!nqn.empty()) {
        if (nqn.size() <= kMaxNqnLength && nqn.starts_with("nqn.")) return nqn;
        return fail(ErrorCode::Config, fmt::format("{}: not an NVMe qualified name", kHostNqnFile));
    }
    const std::string machine = firstLine(kMachineIdFile);
    if (machine.empty()) {
        return fail(ErrorCode::Config, fmt::format("{}: not there, and no {} either", kHostNqnFile, kMachineIdFile),
                    fmt::format("give this machine a name: nvme gen-hostnqn > {}", kHostNqnFile));
    }
    return fmt::format("{}{}", kUuidPrefix, formatUuid(uuidOf("mc host " + machine)));
}

namespace host {

Result<HostOptions> withIdentity(HostOptions options) {
    if (options.host_nqn.empty()) {
        auto nqn = hostNqn();
        if (!nqn) return std::unexpected(nqn.error());
        options.host_nqn = std::move(*nqn);
    }
    if (options.host_nqn.size() > kMaxNqnLength) {
        return fail(ErrorCode::InvalidArgument, fmt::format("host NQN {}: too long", options.host_nqn));
    }
    if (options.host_id == decltype(options.host_id){}) {
        const std::string_view nqn = options.host_nqn;
        const auto own = nqn.starts_with(kUuidPrefix) ? parseUuid(nqn.substr(kUuidPrefix.size())) : std::nullopt;
        options.host_id = own.value_or(uuidOf(nqn));
    }
    return options;
}

}  // namespace host
}  // namespace mc::nvme
