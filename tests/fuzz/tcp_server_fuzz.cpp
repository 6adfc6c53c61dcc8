// A peer that sends anything to the target role of the tcp transport. The memory served is at a fixed address, so that
// inputs can hit it.
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "io/event_loop.h"
#include "transport/tcp/server_connection.h"

namespace {

// Where neither the system nor a sanitizer puts anything.
constexpr std::uint64_t kAddress = 0x7e9000000000;
constexpr std::size_t kServed = 64 << 10;
constexpr std::size_t kGuard = 64 << 10;

/// Served memory with untouched memory on both sides.
class Memory {
  public:
    Memory() {
        void* const wanted = reinterpret_cast<void*>(kAddress - kGuard);  // NOLINT(performance-no-int-to-ptr)
        void* const got = ::mmap(wanted, kServed + 2 * kGuard, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (got != wanted) std::abort();
        guards_ = static_cast<const unsigned char*>(got);
        if (!regions.add({kAddress, kServed, "*", true})) std::abort();
    }
    void checkGuards() const {
        for (std::size_t i = 0; i < kGuard; i += 512) {
            if (guards_[i] != 0 || guards_[kGuard + kServed + i] != 0) std::abort();
        }
    }
    mc::RegionRegistry regions;

  private:
    const unsigned char* guards_;
};

void discardAnswers(int socket) {
    std::array<char, 4096> sink{};
    while (::recv(socket, sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Memory memory;
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) != 0) return 0;
    const mc::FileDescriptor peer(pair[0]);
    const auto loop = mc::io::EventLoop::open();
    if (!loop) return 0;
    mc::tcp::ServerConnection::Shared shared{**loop, mc::RegionView(memory.regions)};
    std::unique_ptr<mc::tcp::ServerConnection> connection;
    connection = std::make_unique<mc::tcp::ServerConnection>(mc::FileDescriptor(pair[1]), shared,
                                                             [&](mc::tcp::ServerConnection&) { connection.reset(); });
    if (!connection->start()) return 0;

    // The first byte cuts the rest into pieces.
    const std::size_t piece = size > 0 && data[0] != 0 ? data[0] : 4096;
    const auto now = mc::SteadyClock::now();
    for (std::size_t at = 1; at < size && connection; at += piece) {
        ::send(peer.get(), data + at, std::min(piece, size - at), MSG_NOSIGNAL | MSG_DONTWAIT);
        (*loop)->runOnce(now);
        discardAnswers(peer.get());
    }
    ::shutdown(peer.get(), SHUT_WR);
    // What is owed fits into 4 KiB of requests times the memory served; a connection that never ends is a defect.
    for (int rounds = 0; connection; ++rounds) {
        if (rounds > 1'000'000) std::abort();
        (*loop)->runOnce(now);
        discardAnswers(peer.get());
    }
    memory.checkGuards();
    return 0;
}
