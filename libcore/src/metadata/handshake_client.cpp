#include "metadata/handshake_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "base/address.h"
#include "base/errors.h"
#include "base/futex.h"
#include "base/units.h"
#include "io/socket.h"
#include "metadata/json_members.h"

namespace mc::metadata {
namespace {

/// One request and its reply over a connected socket.
class Exchange {
  public:
    Exchange(FileDescriptor socket, const HandshakeCallOptions& options)
        : socket_(std::move(socket)),
          options_(options),
          deadline_(SteadyClock::now() + options.reply_timeout),
          peer_(fmt::format("handshake with {}", io::peerAddress(socket_).toString())) {}

    Result<void> send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(put));
            } else if (errno == EAGAIN) {
                if (auto ready = wait(POLLOUT); !ready) return ready;
            } else if (errno != EINTR) {
                return broken("the peer closed before it had read the request");
            }
        }
        return {};
    }

    Result<Frame> receive() {
        FrameDecoder decoder(options_.max_message_length);
        std::array<char, 1 << 14> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
        bool began = false;
        while (!decoder.complete()) {
            const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got > 0) {
                began = true;
                const auto taken = decoder.feed({buffer.data(), static_cast<std::size_t>(got)});
                if (!taken) return std::unexpected(wrap(peer_, taken.error()));
            } else if (got < 0 && errno == EAGAIN) {
                if (auto ready = wait(POLLIN); !ready) return std::unexpected(ready.error());
            } else if (got == 0 || errno != EINTR) {
                return began ? broken("the peer closed in the middle of its reply")
                             : broken("the peer closed without a reply",
                                      "it refused the message, does not know its type, or has too many clients");
            }
        }
        return decoder.take();
    }

    std::unexpected<Error> broken(std::string_view problem, std::string hint = {}) const {
        return fail(ErrorCode::Protocol, fmt::format("{}: {}", peer_, problem), std::move(hint));
    }

  private:
    Result<void> wait(short events) const {
        std::array<pollfd, 2> waiting{{{socket_.get(), events, 0}, {options_.interrupt, POLLIN, 0}}};
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
            if (left.count() <= 0) break;
            const int ready =
                ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
            if (ready > 0 && waiting[0].revents != 0) return {};
            if (ready > 0) return fail(ErrorCode::Unavailable, fmt::format("{}: interrupted", peer_));
            if (ready < 0 && errno != EINTR) return failErrno("poll", peer_, errno);
        }
        return fail(ErrorCode::TimedOut,
                    fmt::format("{}: no reply within {}", peer_, formatDuration(options_.reply_timeout)));
    }

    const FileDescriptor socket_;
    const HandshakeCallOptions& options_;
    const SteadyClock::time_point deadline_;
    const std::string peer_;
};

}  // namespace

Result<std::string> callHandshake(FileDescriptor socket, MessageType type, std::string_view json,
                                  const HandshakeCallOptions& options) {
    Exchange exchange(std::move(socket), options);
    if (auto sent = exchange.send(encodeFrame({type, false, std::string(json)})); !sent) {
        return std::unexpected(sent.error());
    }
    auto reply = exchange.receive();
    if (!reply) return std::unexpected(reply.error());
    if (reply->old_format) return exchange.broken("a reply without type");
    if (reply->type != type) {
        return exchange.broken(fmt::format("a reply of type {} to a request of type {}", static_cast<int>(reply->type),
                                           static_cast<int>(type)));
    }
    if (!isJson(reply->json)) return exchange.broken("the reply is no JSON");
    return std::move(reply->json);
}

Result<std::string> callHandshake(const std::vector<io::SocketAddress>& addresses, MessageType type,
                                  std::string_view json, const HandshakeCallOptions& options) {
    auto socket = io::connectTo(addresses, options.connect_timeout, options.interrupt);
    if (!socket) return std::unexpected(wrap("handshake", socket.error()));
    return callHandshake(std::move(*socket), type, json, options);
}

Result<std::string> callHandshake(const std::string& host, std::uint16_t port, MessageType type, std::string_view json,
                                  const HandshakeCallOptions& options) {
    const auto addresses = io::resolve(host, port);
    if (!addresses) return std::unexpected(wrap("handshake", addresses.error()));
    return callHandshake(*addresses, type, json, options);
}

}  // namespace mc::metadata
