#include "io/tcp_facts.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/errors.h"

namespace mc::io {

Result<TcpFacts> tcpFacts(const FileDescriptor& socket) {
    tcp_info info{};
    socklen_t length = sizeof(info);
    if (::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return failErrno("getsockopt TCP_INFO", "", errno);
    int unacknowledged = 0;
    int unsent = 0;
    // In this order: what is sent and acknowledged in between leaves the part no more than the whole.
    if (::ioctl(socket.get(), SIOCOUTQ, &unacknowledged) != 0) return failErrno("ioctl SIOCOUTQ", "", errno);
    if (::ioctl(socket.get(), SIOCOUTQNSD, &unsent) != 0) return failErrno("ioctl SIOCOUTQNSD", "", errno);
    return TcpFacts{.round_trip = std::chrono::microseconds(info.tcpi_rtt),
                    .retransmitted_segments = info.tcpi_total_retrans,
                    .unacknowledged_bytes = static_cast<std::uint64_t>(unacknowledged),
                    .unsent_bytes = static_cast<std::uint64_t>(unsent)};
}

}  // namespace mc::io
