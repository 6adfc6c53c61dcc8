#include "base/address.h"

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
