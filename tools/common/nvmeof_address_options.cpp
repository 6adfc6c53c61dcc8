#include "common/nvmeof_address_options.h"

#include <fmt/format.h>

#include "base/address.h"
#include "base/errors.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::tools {
namespace {

Result<std::string> hostOf(const config::Values& values, std::string_view server_name) {
    for (const auto* const name : {"traddr", "bind-address"}) {
        std::string host = values.text(name);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        if (!host.empty()) return host;
    }
    auto named = parseHostPort(server_name);
    if (!named) return std::unexpected(wrap("server name", named.error()));
    return std::move(named->host);
}

}  // namespace

Result<std::string> nvmeofAddress(const config::Values& values, std::string_view server_name) {
    auto host = hostOf(values, server_name);
    if (!host) return host;
    const std::string family = isIpv6(*host) ? "ipv6" : "ipv4";
    const std::string asked = values.text("adrfam");
    if (!asked.empty() && asked != family && (isIpv6(*host) || isIpv4(*host)))
        return std::unexpected(values.error("adrfam", fmt::format("is not the family of {}", *host)));
    return nvmeof::formatTransportId({.trtype = values.text("trtype"),
                                      .adrfam = asked.empty() ? family : asked,
                                      .traddr = std::move(*host),
                                      .trsvcid = std::to_string(values.integer("trsvcid")),
                                      .subnqn = {}});
}

void setNvmeofBackend(const config::Values& values, std::string_view option, NvmeofOptions& options) {
    const std::string word = values.text(option);
    options.backend = word == "user"     ? NvmeofBackend::User
                      : word == "kernel" ? NvmeofBackend::Kernel
                                         : NvmeofBackend::Auto;
    options.backend_option = fmt::format("--{}", option);
}

}  // namespace mc::tools
