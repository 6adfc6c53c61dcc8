#include "io/page_sender.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mc::io {
namespace {

// Larger ones are no faster, and who is not root may have 64 MiB of pipes in all.
constexpr std::size_t kPipeBytes = 256 << 10;

/// splice(2) to a socket can't be told MSG_NOSIGNAL, and the thread may be the program's own.
class NoPipeSignal {
  public:
    NoPipeSignal() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoPipeSignal() {
        if (::sigismember(&before_, SIGPIPE) == 1) return;
        const int error = errno;
        constexpr timespec kNow{};
        ::sigtimedwait(&pipe_, nullptr, &kNow);  // Takes it, if it waits.
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = error;
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;

  private:
    sigset_t pipe_{};
    sigset_t before_{};
};

}  // namespace

ssize_t PageSender::send(int socket, std::span<const std::byte> memory, bool more) {
    const NoPipeSignal blocked;
    std::size_t sent = 0;
    while (sent < memory.size()) {
        const auto left = memory.subspan(sent);
        if (held_ < std::min(left.size(), kPipeBytes) && !fill(left) && held_ == 0) {
            if (sent > 0) break;  // What is wrong shows in the next call, too.
            errno = ENOTSUP;
            return -1;
        }
        const unsigned flags = more || held_ < left.size() ? SPLICE_F_MORE : 0;
        const ssize_t moved = ::splice(out_.get(), nullptr, socket, nullptr, held_, flags | SPLICE_F_NONBLOCK);
        if (moved < 0) {
            if (sent > 0) break;
            return -1;
        }
        held_ -= static_cast<std::size_t>(moved);
        sent += static_cast<std::size_t>(moved);
    }
    return static_cast<ssize_t>(sent);
}

// Puts what follows the bytes that the pipe holds behind them.
bool PageSender::fill(std::span<const std::byte> memory) {
    if (!in_) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return false;
        out_.reset(ends[0]);
        in_.reset(ends[1]);
        ::fcntl(in_.get(), F_SETPIPE_SZ, kPipeBytes);  // A smaller one does, too.
    }
    const auto rest = memory.subspan(held_, std::min(memory.size(), kPipeBytes) - held_);
    // The kernel only reads from it.
    const iovec part{const_cast<std::byte*>(rest.data()), rest.size()};
    const ssize_t put = ::vmsplice(in_.get(), &part, 1, SPLICE_F_NONBLOCK);
    if (put <= 0) return false;
    held_ += static_cast<std::size_t>(put);
    return true;
}

}  // namespace mc::io
