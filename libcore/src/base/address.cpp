#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/errors.h"

namespace mc {
namespace {

Result<std::uint16_t> parsePort(std::string_view text, std::string_view whole) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("address \"{}\": port \"{}\" is not a number from 0 to 65535", whole, text));
    }
    return port;
}

}  // namespace

bool isIpv6(std::string_view host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &address) == 1;
}

bool isIpv4(std::string_view host) {
    in_addr address{};
    return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

bool isLoopbackHost(std::string_view host) {
    return host == "localhost" || host == "::1" || (isIpv4(host) && host.starts_with("127."));
}

std::optional<std::string> withBrackets(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !isIpv6(text.substr(0, colon))) return std::nullopt;
    const auto port = text.substr(colon + 1);
    if (port.empty() || !parsePort(port, text)) return std::nullopt;
    return fmt::format("[{}]:{}", text.substr(0, colon), port);
}

Result<HostPort> parseHostPort(std::string_view text) {
    HostPort result;
    std::optional<std::string_view> port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) {
            return fail(ErrorCode::InvalidArgument, fmt::format("address \"{}\": \"[\" without \"]\"", text));
        }
        result.host = text.substr(1, close - 1);
        const auto rest = text.substr(close + 1);
        if (rest.starts_with(':')) {
            port = rest.substr(1);
        } else if (!rest.empty()) {
            return fail(ErrorCode::InvalidArgument, fmt::format("address \"{}\": \"{}\" after \"]\"", text, rest));
        }
    } else if (std::ranges::count(text, ':') == 1) {
        const auto colon = text.find(':');
        result.host = text.substr(0, colon);
        port = text.substr(colon + 1);
    } else if (const auto bracketed = withBrackets(text); bracketed && !isIpv6(text)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("address \"{}\": a port after an IPv6 address without brackets", text),
                    fmt::format("did you mean \"{}\"?", *bracketed));
    } else {
        result.host = text;  // A name, an IPv4 address, or a bare IPv6 address.
    }
    if (result.host.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("address \"{}\": no host", text));
    if (port) {
        auto parsed = parsePort(*port, text);
        if (!parsed) return std::unexpected(parsed.error());
        result.port = *parsed;
    }
    return result;
}

std::string formatHostPort(std::string_view host, std::uint16_t port) {
    return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace mc
