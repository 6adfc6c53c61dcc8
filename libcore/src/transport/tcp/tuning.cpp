#include "transport/tcp/tuning.h"

#include "base/log.h"
#include "io/socket.h"

namespace mc::tcp {
namespace {

constexpr int kLocalSendBuffer = 512 << 10;

void setCongestionControl(const FileDescriptor& socket, const std::string& choice, bool local) {
    if (choice == "system") return;
    if (choice == "auto") {
        if (local && !io::setCongestionControl(socket, "cubic")) io::setCongestionControl(socket, "reno");
        return;
    }
    if (!io::setCongestionControl(socket, choice)) {
        log::warning(
            "congestion control {}: refused by the kernel, {} stays; see net.ipv4.tcp_allowed_congestion_control",
            choice, io::congestionControl(socket));
    }
}

}  // namespace

void tuneConnection(const FileDescriptor& socket, const std::string& congestion) {
    const bool local = io::peerAddress(socket).isLocal();
    io::setNoDelay(socket);
    io::setKeepAlive(socket);
    setCongestionControl(socket, congestion, local);
    if (local) io::setSendBuffer(socket, kLocalSendBuffer);
}

}  // namespace mc::tcp
