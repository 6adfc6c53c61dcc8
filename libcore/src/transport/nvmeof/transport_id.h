#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

#include "io/socket_address.h"

namespace mc::nvmeof {

/// Reads "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420": words between blanks, each a key and a value with '='
/// between them, or ':' where there is no '='. All four keys, each once; the values are not judged. InvalidArgument
/// names the key. `subnqn` stays empty.
Result<NvmeTransportId> parseTransportId(std::string_view text);

/// The same, the other way round.
std::string formatTransportId(const NvmeTransportId& id);

/// The addresses that it means, of whichever transport. InvalidArgument for an adrfam or trsvcid that is none; errors
/// name the key. Blocks while the resolver does.
Result<std::vector<io::SocketAddress>> ipAddresses(const NvmeTransportId& id);

/// The same of TCP; Unsupported for another transport.
Result<std::vector<io::SocketAddress>> socketAddresses(const NvmeTransportId& id);

}  // namespace mc::nvmeof
