#pragma once

#include <string>

#include "mc/error.h"

#include "base/fd.h"
#include "io/socket_address.h"

/// Setting up the sockets of data connections: no delay, keep-alive, congestion control, buffers.
///
/// `congestion`: "system" leaves the default; "auto" does so on real networks, and on a local road (the peer's address
/// is one of this machine's) tries cubic, then reno, since a pacing default (bbr) throttles it; a name is tried as it
/// is. What a socket really uses is what the kernel says afterwards.
///
/// It is chosen before the connection is there, at the listener or before connect(2): the kernel goes on pacing a
/// connection that has once had a pacing algorithm. Measured with the system's default alternately cubic and bbr, three
/// pairs, one connection: 1.5 times the reads of 64 KiB and 1.4 times the writes of 1 MiB where it never was bbr.
///
/// On a local road there is no latency that deep send buffers could cover: a small one keeps what is under way in the
/// processor's caches. Measured with four connections on two cores: 1.4 times the throughput of the default's 4 MiB.
namespace mc::io {

/// A non-blocking socket whose connect has been started; it is writable once that has ended (see connectError).
Result<FileDescriptor> startConnect(const SocketAddress& address, const std::string& congestion);

/// What is accepted from it is to be set up with tuneAccepted.
void tuneListener(const FileDescriptor& listener, const std::string& congestion);

void tuneAccepted(const FileDescriptor& socket, const std::string& congestion);

}  // namespace mc::io
