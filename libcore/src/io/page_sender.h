#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

#include "base/fd.h"

namespace mc::io {

/// Sends memory on a socket without copying it: its pages go through a pipe to the connection, which refers to them
/// until the peer has acknowledged them. The memory may change only when the peer has said that it has what it was
/// sent; a peer on this machine may see changes until then. Worth its system calls from kLeast bytes on. For one socket
/// and one thread; no SIGPIPE comes of it.
class PageSender {
  public:
    static constexpr std::size_t kLeast = 128 << 10;

    /// As send(2) on the non-blocking `socket`: how many bytes it took, or -1 and errno. What it has not taken comes
    /// first in the next call, unchanged. ENOTSUP, with nothing taken: these pages can't be sent so, or there is no
    /// pipe. `more`: other bytes follow at once.
    ssize_t send(int socket, std::span<const std::byte> memory, bool more);

  private:
    bool fill(std::span<const std::byte> memory);

    FileDescriptor in_;
    FileDescriptor out_;
    std::size_t held_ = 0;  // Bytes in the pipe.
};

}  // namespace mc::io
