#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "config/option.h"
#include "config/values.h"

namespace mc::tools {

/// Where nvmeof_generic serves files: part of the tables of the tools that serve them.
inline constexpr config::Option kNvmeofAddressOptions[] = {
    {.name = "trtype",
     .type = config::Type::Choice,
     .choices = {"tcp"},
     .fallback = "tcp",
     .group = "Files",
     .summary = "NVMe-oF transport; this build has tcp"},
    {.name = "adrfam",
     .type = config::Type::Choice,
     .choices = {"ipv4", "ipv6"},
     .group = "Files",
     .summary = "its address family; by default that of the address"},
    {.name = "traddr",
     .placeholder = "ADDRESS",
     .group = "Files",
     .summary = "address to serve files at; by default --bind-address, else the host of --local-server-name"},
    {.name = "trsvcid",
     .placeholder = "PORT",
     .type = config::Type::Integer,
     .min = "1",
     .max = "65535",
     .fallback = "4420",
     .group = "Files",
     .summary = "port to serve files at"},
};

/// What they say as TransferEngine::installTransport takes it: "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420".
/// The table has kNvmeofAddressOptions and the engine's. `server_name`: HOST[:PORT].
Result<std::string> nvmeofAddress(const config::Values& values, std::string_view server_name);

}  // namespace mc::tools
