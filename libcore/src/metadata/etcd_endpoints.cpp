#include "metadata/etcd_endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"
#include "metadata/said.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kScheme = "etcd://";
constexpr std::uint16_t kDefaultPort = 2379;

std::vector<std::string> endpointsOf(std::string_view text) {
    std::string list(text);
    std::ranges::replace(list, ';', ',');
    return split(list, ',');
}

bool isHost(std::string_view host) {
    return std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    });
}

std::unexpected<Error> refuse(std::string_view endpoint, std::string_view problem) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("metadata store etcd: {}: {}", shown(withoutCredentials(endpoint)), problem),
                "it is etcd://HOST:2379, several with a comma between");
}

struct Endpoint {
    std::string scheme;  // Empty: as the others.
    std::string address;
};

Result<Endpoint> parseEndpoint(std::string_view text) {
    Endpoint endpoint;
    std::string_view rest = text;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme)) continue;
        endpoint.scheme = scheme;
        rest.remove_prefix(scheme.size());
    }
    if (rest.contains('@')) {
        return fail(ErrorCode::InvalidArgument, "metadata store etcd: user and password are no part of an endpoint",
                    "they are options (metadata_user, metadata_password_file)");
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const auto parsed = parseHostPort(rest);
    if (!parsed || !isHost(parsed->host)) return refuse(text, "no HOST:PORT");
    endpoint.address = formatHostPort(parsed->host, parsed->port.value_or(kDefaultPort));
    return endpoint;
}

}  // namespace

bool isEndpointList(std::string_view text) {
    const auto endpoints = endpointsOf(text);
    return !endpoints.empty() && std::ranges::all_of(endpoints, [](const std::string& endpoint) {
        const auto parsed = parseHostPort(endpoint);
        return parsed && parsed->port &&
               std::ranges::none_of(parsed->host, [](char c) { return c == ' ' || c == '/'; });
    });
}

Result<std::vector<std::string>> parseEndpoints(std::string_view uri, bool tls) {
    if (uri.starts_with(kScheme)) uri.remove_prefix(kScheme.size());
    std::vector<Endpoint> endpoints;
    for (const std::string& text : endpointsOf(uri)) {
        auto endpoint = parseEndpoint(text);
        if (!endpoint) return std::unexpected(endpoint.error());
        tls = tls || endpoint->scheme == "https://";
        endpoints.push_back(std::move(*endpoint));
    }
    if (endpoints.empty()) return refuse(uri, "no endpoint");
    std::vector<std::string> urls;
    for (const Endpoint& endpoint : endpoints) {
        if (tls && endpoint.scheme == "http://")
            return refuse(endpoint.scheme + endpoint.address, "not over TLS, which is asked for");
        urls.push_back((tls ? "https://" : "http://") + endpoint.address);
    }
    return urls;
}

}  // namespace mc::metadata
