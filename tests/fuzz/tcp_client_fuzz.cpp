// A peer that answers anything to the initiator role of the tcp transport.
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "io/event_loop.h"
#include "transport/tcp/client_connection.h"

namespace {

using mc::tcp::ClientConnection;

/// Hands the requests out when the connection is ready and counts what comes back.
class Owner final : public ClientConnection::Owner {
  public:
    explicit Owner(std::span<mc::Slice> slices) : slices_(slices) {}
    void onReady(ClientConnection& connection) override {
        if (handed_out_) return;
        handed_out_ = true;
        for (mc::Slice& slice : slices_) {
            connection.enqueue(slice);
        }
        connection.flush();
    }
    void onClosed(ClientConnection& connection, const mc::Error& /*error*/) override {
        closed = true;
        auto unfinished = connection.takeUnfinished();
        for (; !unfinished.empty(); unfinished.pop()) {
            ++returned;
        }
    }
    void onFinished(ClientConnection& /*connection*/, mc::Slice& /*slice*/, mc::TaskStatus /*status*/,
                    bool /*acknowledged*/) override {
        ++returned;
    }
    bool handedOut() const { return handed_out_; }

    bool closed = false;
    std::size_t returned = 0;

  private:
    std::span<mc::Slice> slices_;
    bool handed_out_ = false;
};

struct Listener {
    Listener() : socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un any{};
        any.sun_family = AF_UNIX;  // Without a name: the kernel picks an abstract one.
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t));
        ::listen(socket.get(), 8);
        sockaddr_un bound{};
        socklen_t length = sizeof(bound);
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &length);
        address = {reinterpret_cast<const sockaddr*>(&bound), length};
    }
    mc::FileDescriptor socket;
    mc::io::SocketAddress address;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Listener listener;
    static const mc::TcpOptions options = [] {
        mc::TcpOptions made;
        made.congestion = "system";
        return made;
    }();
    if (size < 2) return 0;
    std::array<std::byte, 256> memory{};
    std::array<mc::Slice, 4> slices;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        slices[i].opcode = (data[0] >> i & 1) != 0 ? mc::Opcode::Write : mc::Opcode::Read;
        slices[i].local = memory.data() + i * 64;
        slices[i].remote = 0x1000 + i * 64;
        slices[i].length = 64;
    }
    Owner owner(slices);
    const auto loop = mc::io::EventLoop::open();
    if (!loop) return 0;
    const mc::tcp::Trust closing{.version = (data[0] & 0x20) != 0 ? 2 : 1, .keeps = false, .proven = true};
    const bool single = (data[0] & 0x10) != 0;
    auto connection = ClientConnection::start(**loop, owner,
                                              {.address = listener.address,
                                               .probe_address = 0x1000,
                                               .version = (data[0] & 0x20) != 0 ? 2 : 1,
                                               .trust = single ? &closing : nullptr,
                                               .options = options});
    if (!connection) return 0;
    const mc::FileDescriptor peer(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK));
    const auto now = mc::SteadyClock::now();
    const std::size_t piece = data[1] != 0 ? data[1] : 4096;
    (*loop)->runOnce(now);
    for (std::size_t at = 2; at < size && !owner.closed; at += piece) {
        ::send(peer.get(), data + at, std::min(piece, size - at), MSG_NOSIGNAL);
        (*loop)->runOnce(now);
    }
    ::shutdown(peer.get(), SHUT_RDWR);
    for (int rounds = 0; !owner.closed; ++rounds) {
        if (rounds > 1000) std::abort();
        (*loop)->runOnce(now);
    }
    // Every request comes back exactly once, whatever the peer does.
    if (owner.handedOut() && owner.returned != slices.size()) std::abort();
    return 0;
}
