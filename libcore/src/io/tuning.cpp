#include "io/tuning.h"

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

}  // namespace

void tuneConnection(const FileDescriptor& socket, const std::string& congestion) {
    const bool local = peerAddress(socket).isLocal();
    setNoDelay(socket);
    setKeepAlive(socket);
    chooseCongestionControl(socket, congestion, local);
    if (local) setSendBuffer(socket, kLocalSendBuffer);
}

}  // namespace mc::io
