#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "base/fd.h"
#include "io/socket_address.h"

namespace mc::io {

/// A stream socket, as openStream's, that listens on `address`. Port 0: the kernel picks one.
/// CannotCreate names the address and, where /proc tells, the process that owns the port; `option`: with what a
/// program's user chooses another, for the hint.
Result<FileDescriptor> listenOn(const SocketAddress& address, int backlog, std::string_view option = {});

/// Listens on a random free port of `range`: ports that are taken are passed over, anything else is an error.
Result<FileDescriptor> listenInRange(SocketAddress address, PortRange range, int backlog);

/// A non-blocking, close-on-exec stream socket.
Result<FileDescriptor> openStream(int family);

/// 0, or the errno with which a started connect failed.
int connectError(const FileDescriptor& socket);

/// Connects to one address within `timeout`; else the errno: ETIMEDOUT, ECANCELED once the descriptor `interrupt` is
/// readable, ECONNREFUSED, ...
std::expected<FileDescriptor, int> tryConnect(const SocketAddress& address, std::chrono::milliseconds timeout,
                                              int interrupt = -1);

/// Connects within `timeout`, trying the addresses in order, each for its share of what is left; the last failure is
/// returned. Gives up once the descriptor `interrupt` is readable: Unavailable.
Result<FileDescriptor> connectTo(const std::vector<SocketAddress>& addresses, std::chrono::milliseconds timeout,
                                 int interrupt = -1);

/// The next waiting connection, non-blocking; an empty descriptor when none waits.
Result<FileDescriptor> acceptFrom(const FileDescriptor& listener);

SocketAddress localAddress(const FileDescriptor& socket);
SocketAddress peerAddress(const FileDescriptor& socket);

void setNoDelay(const FileDescriptor& socket);
/// Lets the kernel notice a peer that has vanished without a word.
void setKeepAlive(const FileDescriptor& socket);

/// When it is closed, nothing that waits is sent any more, and the peer is told so.
void resetOnClose(const FileDescriptor& socket);

/// Bytes that may wait to be sent; ends the kernel's own sizing.
void setSendBuffer(const FileDescriptor& socket, int bytes);

/// False where the kernel or the caller's rights refuse that algorithm.
bool setCongestionControl(const FileDescriptor& socket, const std::string& name);
std::string congestionControl(const FileDescriptor& socket);

}  // namespace mc::io
