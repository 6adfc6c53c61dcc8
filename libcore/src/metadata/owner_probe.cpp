#include "metadata/owner_probe.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/futex.h"
#include "base/log.h"
#include "io/socket.h"
#include "metadata/handshake_messages.h"

namespace mc::metadata {
namespace {

constexpr std::size_t kMostAtOnce = 256;
constexpr std::size_t kLeastAtOnce = 8;
constexpr std::size_t kOtherDescriptors = 64;  // Of the process besides.

// Each has a socket open, or a resolver's.
std::size_t atOnce() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeastAtOnce;
    const rlim_t spare = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, kOtherDescriptors);
    return static_cast<std::size_t>(std::clamp<rlim_t>(spare, kLeastAtOnce, kMostAtOnce));
}

Result<OwnerProbe> probeAt(const io::SocketAddress& address, std::chrono::milliseconds connect_timeout,
                           const HandshakeCallOptions& options) {
    auto socket = io::tryConnect(address, connect_timeout, options.interrupt);
    if (!socket) {
        Error error = systemError("connect to", address.toString(), socket.error());
        if (socket.error() == ECONNREFUSED) return OwnerProbe{OwnerState::Refused, std::move(error.message)};
        if (socket.error() == ETIMEDOUT) return OwnerProbe{OwnerState::Silent, std::move(error.message)};
        // This machine has no address of that family: nobody is reached there from here, ever.
        if (socket.error() == EADDRNOTAVAIL || socket.error() == EAFNOSUPPORT)
            return OwnerProbe{OwnerState::Unknown, std::move(error.message)};
        return std::unexpected(std::move(error));
    }
    const auto reply = callHandshake(std::move(*socket), MessageType::Probe, kProbeRequest, options);
    if (reply) return OwnerProbe{OwnerState::Alive, {}};
    if (reply.error().code == ErrorCode::Protocol) return OwnerProbe{OwnerState::Alive, "closes without an answer"};
    if (reply.error().code == ErrorCode::TimedOut) return OwnerProbe{OwnerState::Silent, reply.error().message};
    return std::unexpected(reply.error());
}

}  // namespace

const char* toString(OwnerState state) {
    switch (state) {
        case OwnerState::Alive:
            return "alive";
        case OwnerState::Refused:
            return "refused";
        case OwnerState::Silent:
            return "silent";
        case OwnerState::Unknown:
            return "unknown";
    }
    std::unreachable();
}

Result<OwnerProbe> probeOwner(const std::vector<io::SocketAddress>& addresses, const HandshakeCallOptions& options) {
    using std::chrono::milliseconds;
    const auto deadline = SteadyClock::now() + options.connect_timeout;
    std::optional<OwnerProbe> dead;
    std::optional<Error> unknown;
    std::string skipped = "connect: no address";
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // An address that swallows everything leaves the others their share of the time.
        const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
        auto probe = probeAt(addresses[i], left / static_cast<std::int64_t>(addresses.size() - i), options);
        if (!probe) {
            unknown = std::move(probe.error());
        } else if (probe->alive()) {
            return probe;
        } else if (probe->state == OwnerState::Unknown) {
            skipped = std::move(probe->detail);
        } else if (!dead || probe->state == OwnerState::Silent) {
            dead = std::move(*probe);
        }
    }
    if (unknown) return std::unexpected(std::move(*unknown));
    if (!dead) return fail(ErrorCode::Unavailable, std::move(skipped));
    return std::move(*dead);
}

OwnerProbe askOwner(const RpcMeta& owner, const HandshakeCallOptions& options) {
    const auto addresses = io::resolve(owner.ip_or_host_name, owner.rpc_port);
    if (!addresses) return {OwnerState::Unknown, addresses.error().message};
    auto probe = probeOwner(*addresses, options);
    if (!probe) return {OwnerState::Unknown, std::move(probe.error().message)};
    return std::move(*probe);
}

void manyAtOnce(std::size_t count, const std::function<void(std::size_t)>& work, const std::stop_token& stop) {
    std::atomic<std::size_t> next = 0;
    const auto run = [&] {
        for (std::size_t i = next++; i < count && !stop.stop_requested(); i = next++)
            work(i);
    };
    std::vector<std::jthread> helpers;
    try {
        for (std::size_t wanted = std::min(atOnce(), count); wanted > 1; --wanted)
            helpers.emplace_back(run);
    } catch (const std::system_error& error) {  // As many as the system has to give.
        log::debug("{} threads at once: {}", helpers.size() + 1, error.what());
    }
    run();
}

}  // namespace mc::metadata
