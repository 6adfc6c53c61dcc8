#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>

#include "mc/error.h"

namespace mc::control {

/// `path` as the kernel wants it. InvalidArgument if it is empty or longer than the kernel allows.
Result<sockaddr_un> unixAddress(const std::filesystem::path& path);

inline const sockaddr* asSocketAddress(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace mc::control
