#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc {

/// A host (name, IPv4, IPv6 without brackets) and, where given, a TCP port.
struct HostPort {
    std::string host;
    std::optional<std::uint16_t> port;

    bool operator==(const HostPort&) const = default;
};

/// Reads "host", "host:port", "1.2.3.4:80", "[v6]", "[v6]:port", "v6", "fe80::1%if". InvalidArgument for an empty host
/// or a port that is not 0 to 65535.
Result<HostPort> parseHostPort(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string formatHostPort(std::string_view host, std::uint16_t port);

}  // namespace mc
