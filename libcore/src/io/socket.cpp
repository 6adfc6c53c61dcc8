#include "io/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/errors.h"

namespace mc::io {
namespace {

void setOption(const FileDescriptor& socket, int level, int name, int value) {
    ::setsockopt(socket.get(), level, name, &value, sizeof(value));
}

// The inode of the socket that listens on `port`, from /proc/net/tcp or tcp6.
std::string listenerInode(std::uint16_t port) {
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream fields(line);
            std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
            fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
            const auto colon = local.rfind(':');
            unsigned local_port = 0;
            if (colon == std::string::npos) continue;
            std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port, 16);
            constexpr std::string_view kListening = "0A";
            if (state == kListening && local_port == port) return inode;
        }
    }
    return {};
}

// "process 812 (redis-server)" for the owner of a listening port, as far as /proc may be read.
std::string describePortOwner(std::uint16_t port) {
    const std::string inode = listenerInode(port);
    if (inode.empty()) return "another process";
    const std::string wanted = fmt::format("socket:[{}]", inode);
    std::error_code ignored;
    for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
        for (const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", ignored)) {
            if (std::filesystem::read_symlink(fd, ignored).native() != wanted) continue;
            std::ifstream comm(process.path() / "comm");
            std::string name;
            std::getline(comm, name);
            return fmt::format("process {} ({})", process.path().filename().string(), name);
        }
    }
    return "a process of another user";
}

}  // namespace

Result<FileDescriptor> openStream(int family) {
    FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return failErrno("socket", "", errno);
    return socket;
}

Result<FileDescriptor> listenOn(const SocketAddress& address, int backlog, std::string_view option) {
    auto socket = openStream(address.family());
    if (!socket) return socket;
    setOption(*socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (::bind(socket->get(), address.get(), address.length()) != 0 || ::listen(socket->get(), backlog) != 0) {
        const int number = errno;  // Before naming the address, which may change it.
        Error error = systemError("listen on", address.toString(), number);
        if (number == EADDRINUSE) {
            error.hint = fmt::format("the port belongs to {}", describePortOwner(address.port()));
            if (!option.empty()) error.hint += fmt::format("; give another with {}", option);
        }
        if (number == EADDRNOTAVAIL) error.hint = "the address is none of this machine's; see: ip -brief address";
        return std::unexpected(std::move(error));
    }
    return socket;
}

Result<FileDescriptor> listenInRange(SocketAddress address, PortRange range, int backlog) {
    if (range.first > range.last) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("listen on {}: no port is from {} to {}", address.host(), range.first, range.last));
    }
    // From a random start through the whole range once, so that a full range is known to be full.
    const std::uint32_t count = static_cast<std::uint32_t>(range.last) - range.first + 1;
    const std::uint32_t start = std::random_device{}() % count;
    for (std::uint32_t i = 0; i < count; ++i) {
        address.setPort(static_cast<std::uint16_t>(range.first + ((start + i) % count)));
        auto socket = openStream(address.family());
        if (!socket) return socket;
        setOption(*socket, SOL_SOCKET, SO_REUSEADDR, 1);
        if (::bind(socket->get(), address.get(), address.length()) == 0 && ::listen(socket->get(), backlog) == 0) {
            return socket;
        }
        const int number = errno;
        if (number != EADDRINUSE) return failErrno("listen on", address.toString(), number);
    }
    return fail(ErrorCode::CannotCreate,
                fmt::format("listen on {}: all ports from {} to {} are taken", address.host(), range.first, range.last),
                "widen the range: --min-port and --max-port, or MC_MIN_RPC_PORT and MC_MAX_RPC_PORT");
}

int connectError(const FileDescriptor& socket) {
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

std::expected<FileDescriptor, int> tryConnect(const SocketAddress& address, std::chrono::milliseconds timeout,
                                              int interrupt) {
    using std::chrono::milliseconds;
    FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(errno);
    if (::connect(socket.get(), address.get(), address.length()) == 0) return socket;
    if (errno != EINPROGRESS) return std::unexpected(errno);
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::array<pollfd, 2> waiting{{{socket.get(), POLLOUT, 0}, {interrupt, POLLIN, 0}}};
    int ready = 0;
    do {
        const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
        ready = ::poll(waiting.data(), waiting.size(),
                       static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX)));
    } while (ready < 0 && errno == EINTR);
    if (ready > 0 && waiting[0].revents == 0) return std::unexpected(ECANCELED);
    const int error = ready > 0 ? connectError(socket) : ETIMEDOUT;
    if (error != 0) return std::unexpected(error);
    return socket;
}

Result<FileDescriptor> connectTo(const std::vector<SocketAddress>& addresses, std::chrono::milliseconds timeout,
                                 int interrupt) {
    using std::chrono::milliseconds;
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    Error last{ErrorCode::Unavailable, "connect: no address", {}};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // An address that swallows everything leaves the others their share of the time.
        const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
        auto socket = tryConnect(addresses[i], left / static_cast<std::int64_t>(addresses.size() - i), interrupt);
        if (socket) return std::move(*socket);
        if (socket.error() == ECANCELED)
            return fail(ErrorCode::Unavailable, fmt::format("connect to {}: interrupted", addresses[i].toString()));
        last = systemError("connect to", addresses[i].toString(), socket.error());
    }
    return std::unexpected(std::move(last));
}

Result<FileDescriptor> acceptFrom(const FileDescriptor& listener) {
    for (;;) {
        FileDescriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) return socket;
        if (errno == EAGAIN) return FileDescriptor{};
        if (errno != EINTR && errno != ECONNABORTED) return failErrno("accept", "", errno);
    }
}

SocketAddress localAddress(const FileDescriptor& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return {reinterpret_cast<const sockaddr*>(&storage), length};
}

SocketAddress peerAddress(const FileDescriptor& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return {reinterpret_cast<const sockaddr*>(&storage), length};
}

void setNoDelay(const FileDescriptor& socket) {
    setOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

void setKeepAlive(const FileDescriptor& socket) {
    setOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void resetOnClose(const FileDescriptor& socket) {
    constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof(kAtOnce));
}

void setSendBuffer(const FileDescriptor& socket, int bytes) {
    setOption(socket, SOL_SOCKET, SO_SNDBUF, bytes);
}

bool setCongestionControl(const FileDescriptor& socket, const std::string& name) {
    return ::setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, name.c_str(), static_cast<socklen_t>(name.size())) ==
           0;
}

std::string congestionControl(const FileDescriptor& socket) {
    std::array<char, 16> name{};  // TCP_CA_NAME_MAX
    socklen_t length = name.size();
    if (::getsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &length) != 0) return {};
    return {name.data()};
}

}  // namespace mc::io
