#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::io {

/// An IPv4 or IPv6 address with its port.
class SocketAddress {
  public:
    SocketAddress() = default;
    SocketAddress(const sockaddr* address, socklen_t length);

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t length() const { return length_; }
    int family() const { return storage_.ss_family; }
    std::uint16_t port() const;
    void setPort(std::uint16_t port);
    /// Numeric, without port: "127.0.0.1", "::1".
    std::string host() const;
    /// "127.0.0.1:80", "[::1]:80".
    std::string toString() const;
    /// An address of this machine: loopback, or one that an interface has.
    bool isLocal() const;

  private:
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

enum class AddressFamily { Any, V4, V6 };

/// All addresses of a host name or numeric address, in the resolver's order. Blocks while the resolver does.
Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port,
                                           AddressFamily family = AddressFamily::Any);

}  // namespace mc::io
