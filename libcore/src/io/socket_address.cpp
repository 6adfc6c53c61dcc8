#include "io/socket_address.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "base/address.h"
#include "base/errors.h"

namespace mc::io {

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length) : length_(length) {
    std::memcpy(&storage_, address, length);
}

std::uint16_t SocketAddress::port() const {
    return family() == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port)
                                : ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
}

void SocketAddress::setPort(std::uint16_t port) {
    if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
    }
}

std::string SocketAddress::host() const {
    std::string text(NI_MAXHOST, '\0');
    if (::getnameinfo(get(), length_, text.data(), static_cast<socklen_t>(text.size()), nullptr, 0, NI_NUMERICHOST) !=
        0) {
        return "unknown";
    }
    text.resize(std::strlen(text.c_str()));
    return text;
}

std::string SocketAddress::toString() const {
    return formatHostPort(host(), port());
}

namespace {

bool sameHost(const sockaddr* a, const sockaddr* b) {
    if (a->sa_family != b->sa_family) return false;
    if (a->sa_family == AF_INET) {
        return reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr ==
               reinterpret_cast<const sockaddr_in*>(b)->sin_addr.s_addr;
    }
    return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr,
                       &reinterpret_cast<const sockaddr_in6*>(b)->sin6_addr, sizeof(in6_addr)) == 0;
}

bool isLoopback(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

}  // namespace

bool SocketAddress::isLocal() const {
    if (isLoopback(get())) return true;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return false;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> guard(list, &::freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) continue;
        const int entry_family = entry->ifa_addr->sa_family;
        if ((entry_family == AF_INET || entry_family == AF_INET6) && sameHost(entry->ifa_addr, get())) return true;
    }
    return false;
}

Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port, AddressFamily family) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = family == AddressFamily::V4 ? AF_INET : family == AddressFamily::V6 ? AF_INET6 : AF_UNSPEC;
    addrinfo* list = nullptr;
    const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (status != 0) {
        return fail(ErrorCode::Unavailable, fmt::format("resolve {}: {}", host, ::gai_strerror(status)),
                    "check the spelling, /etc/hosts and DNS");
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(list, &::freeaddrinfo);
    std::vector<SocketAddress> addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        auto& address = addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
        address.setPort(port);
    }
    return addresses;
}

}  // namespace mc::io
