#include "io/congestion.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>

#include "base/fd.h"
#include "io/socket.h"

namespace mc::io {
namespace {

// The words of a file such as tcp_available_congestion_control, as a list.
std::string listed(const char* setting) {
    std::ifstream file(fmt::format("/proc/sys/net/ipv4/{}", setting));
    std::string list;
    for (std::string word; file >> word;)
        list += (list.empty() ? "" : ", ") + word;
    return list.empty() ? "nothing that /proc tells of" : list;
}

}  // namespace

std::optional<CongestionRefusal> refusedCongestionControl(const std::string& name) {
    FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) socket = FileDescriptor(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return std::nullopt;  // Whoever needs one will say so.
    // The kernel cuts a long name short.
    if (setCongestionControl(socket, name) && congestionControl(socket) == name) return std::nullopt;
    if (errno == EPERM) {
        return CongestionRefusal{
            fmt::format("is for privileged users only; the kernel allows {}", listed("tcp_allowed_congestion_control")),
            "use auto, system or one of these; root can add it to net.ipv4.tcp_allowed_congestion_control"};
    }
    return CongestionRefusal{
        fmt::format("is not known to the kernel, which has {}", listed("tcp_available_congestion_control")),
        "use auto, system or one of these; a module of the kernel may add it"};
}

}  // namespace mc::io
