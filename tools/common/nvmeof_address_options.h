#pragma once

#include <string>
#include <string_view>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "config/option.h"
#include "config/values.h"

namespace mc::tools {

/// Where nvmeof_generic serves files: part of the tables of the tools that serve them.
inline constexpr config::Option kNvmeofAddressOptions[] = {
    {.name = "trtype",
     .type = config::Type::Choice,
     .choices = {"tcp", "rdma"},
     .fallback = "tcp",
     .group = "Files",
     .summary = "NVMe-oF transport; rdma is the kernel's"},
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

/// Who serves them. Programs of Mooncake's have a --backend that is another thing: mc-bench calls it otherwise.
constexpr config::Option nvmeofBackendOption(std::string_view name) {
    return {.name = name,
            .type = config::Type::Choice,
            .choices = {"auto", "user", "kernel"},
            .fallback = "auto",
            .group = "Files",
            .summary = "who serves files: this process (user) or the kernel's NVMe target, nvmet (kernel)",
            .details =
                "auto: this process, which needs neither root nor modules; the kernel for --trtype=rdma, which "
                "it alone has. The kernel's target needs root, configfs, and the modules nvmet and nvmet-tcp or "
                "nvmet-rdma. It serves whole files, for reading and writing: files through the page cache "
                "unless --nvmeof-direct-io is given, block devices past it. What does not fill a block of the "
                "file system, at a file's end, is not served."};
}

/// What they say as TransferEngine::installTransport takes it: "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420".
/// The table has kNvmeofAddressOptions and the engine's. `server_name`: HOST[:PORT].
Result<std::string> nvmeofAddress(const config::Values& values, std::string_view server_name);

/// Takes over what an option of that kind says, and its name.
void setNvmeofBackend(const config::Values& values, std::string_view option, NvmeofOptions& options);

}  // namespace mc::tools
