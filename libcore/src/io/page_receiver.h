#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

#include "base/fd.h"

namespace mc::io {

/// Receives from a socket without copying: the pages that hold the bytes go into a pipe, behind a head of the caller's,
/// and from there to a file that takes them from a pipe, such as /dev/fuse. A peer on this machine may see to it that
/// they change until then. For one thread at a time.
class PageReceiver {
  public:
    /// Fewer bytes are copied as fast.
    static constexpr std::size_t kLeast = 64 << 10;

    /// Empties it and puts the head in. False: there is no pipe of that size for this user.
    bool begin(std::span<const std::byte> head);
    /// As recv(2) on the non-blocking `socket`, at most `length` bytes. ENOBUFS: the pipe is full; pages that are full
    /// of bytes fill it with 1 MiB less a page, others earlier.
    ssize_t receive(int socket, std::size_t length);
    /// Bytes that are in it behind the head.
    std::size_t received() const { return received_; }
    /// What was received goes to memory of its length, and is not in the pipe any more. False: it is lost.
    bool copyTo(std::span<std::byte> memory);
    /// Head and bytes, at once, as write(2) does; it is empty afterwards.
    ssize_t sendTo(int file);
    void clear();

  private:
    bool open();

    FileDescriptor in_;
    FileDescriptor out_;
    bool refused_ = false;
    std::size_t head_ = 0;  // Bytes of it in the pipe.
    std::size_t received_ = 0;
};

}  // namespace mc::io
