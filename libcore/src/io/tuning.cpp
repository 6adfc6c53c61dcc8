#include "io/tuning.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/errors.h"
#include "base/log.h"
#include "io/socket.h"

namespace mc::io {
namespace {

constexpr int kLocalSendBuffer = 512 << 10;

void chooseCongestionControl(const FileDescriptor& socket, const std::string& choice, bool local) {
    if (choice == "system") return;
    if (choice == "auto") {
        if (local && !setCongestionControl(socket, "cubic")) setCongestionControl(socket, "reno");
        return;
    }
    if (!setCongestionControl(socket, choice)) {
        log::warning(
            "congestion control {}: refused by the kernel, {} stays; see net.ipv4.tcp_allowed_congestion_control",
            choice, congestionControl(socket));
    }
}

void tune(const FileDescriptor& socket, bool local) {
    setNoDelay(socket);
    setKeepAlive(socket);
    if (local) setSendBuffer(socket, kLocalSendBuffer);
}

void restoreDefaultCongestionControl(const FileDescriptor& socket) {
    if (const auto fresh = openStream(AF_INET)) setCongestionControl(socket, congestionControl(*fresh));
}

}  // namespace

Result<FileDescriptor> startConnect(const SocketAddress& address, const std::string& congestion) {
    auto socket = openStream(address.family());
    if (!socket) return socket;
    const bool local = address.isLocal();
    tune(*socket, local);
    chooseCongestionControl(*socket, congestion, local);
    const int number = ::connect(socket->get(), address.get(), address.length()) == 0 ? 0 : errno;
    if (number != 0 && number != EINPROGRESS) {
        return failErrno("connect to", address.toString(), number);
    }
    return socket;
}

void tuneListener(const FileDescriptor& listener, const std::string& congestion) {
    chooseCongestionControl(listener, congestion, true);
}

void tuneAccepted(const FileDescriptor& socket, const std::string& congestion) {
    const bool local = peerAddress(socket).isLocal();
    tune(socket, local);
    if (congestion == "auto" && !local) restoreDefaultCongestionControl(socket);
}

}  // namespace mc::io
