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

/// A numeric address, without brackets; of IPv6, perhaps with a zone.
bool isIpv6(std::string_view host);
bool isIpv4(std::string_view host);

/// 127.0.0.0/8, ::1 and localhost: to whoever reads it, his own machine.
bool isLoopbackHost(std::string_view host);

/// "[::1]:80" for "::1:80", where that may be meant.
std::optional<std::string> withBrackets(std::string_view text);

/// Reads "host", "host:port", "1.2.3.4:80", "[v6]", "[v6]:port", "v6", "fe80::1%if". InvalidArgument for an empty host
/// or a port that is not 0 to 65535, and for "v6:port" where that is no address, too.
Result<HostPort> parseHostPort(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string formatHostPort(std::string_view host, std::uint16_t port);

}  // namespace mc
