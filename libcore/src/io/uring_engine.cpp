#include <liburing.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "io/block_device.h"
#include "io/direct_engine.h"

namespace mc::io {
namespace {

// When the kernel was short of memory.
constexpr std::chrono::milliseconds kTryAgainAfter{2};

class UringEngine : public DirectEngine, private EventHandler {
  public:
    UringEngine(EventLoop& loop, BlockSink& sink, unsigned depth, FileDescriptor ended)
        : DirectEngine(sink, depth), loop_(loop), ended_(std::move(ended)) {}

    UringEngine(const UringEngine&) = delete;
    UringEngine& operator=(const UringEngine&) = delete;
    ~UringEngine() override {
        loop_.remove(ended_.get());
        if (retry_) loop_.cancel(*retry_);
        if (open_) ::io_uring_queue_exit(&ring_);
    }

    Result<void> start(unsigned depth) {
        // The loop's thread is in the kernel often enough to be given completions without an interrupt (Linux 5.19).
        int error = ::io_uring_queue_init(depth, &ring_, IORING_SETUP_COOP_TASKRUN);
        if (error == -EINVAL) error = ::io_uring_queue_init(depth, &ring_, 0);
        if (error == -ENOSYS || error == -EPERM) {
            return fail(ErrorCode::Unsupported,
                        error == -ENOSYS ? "io_uring_setup: this kernel has no io_uring"
                                         : "io_uring_setup: io_uring is forbidden here",
                        "see sysctl kernel.io_uring_disabled, and what a container's seccomp profile allows");
        }
        if (error < 0) return failErrno("io_uring_setup", "", -error);
        open_ = true;
        error = ::io_uring_register_eventfd(&ring_, ended_.get());
        if (error < 0) return failErrno("io_uring_register_eventfd", "", -error);
        // Edges: each completion is one, so that the counter need never be read.
        return loop_.add(ended_.get(), EPOLLIN | EPOLLET, *this);
    }

    const char* name() const override { return "io_uring"; }

  private:
    void prepare(BlockRequest& request) override {
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);  // There are as many as shares.
        const auto length = static_cast<unsigned>(request.length - request.moved);
        const std::uint64_t offset = request.offset + request.moved;
        const int fd = request.device->descriptor();
        if (request.kind == BlockRequest::Kind::Read) {
            ::io_uring_prep_read(entry, fd, request.data + request.moved, length, offset);
        } else {
            ::io_uring_prep_write(entry, fd, request.data + request.moved, length, offset);
        }
        entry->rw_flags = flagsOf(request);
        ::io_uring_sqe_set_data(entry, &request);
    }

    void give() override {
        while (::io_uring_sq_ready(&ring_) > 0) {
            const int taken = ::io_uring_submit(&ring_);
            if (taken >= 0 || taken == -EINTR) continue;
            // What it did not take stays in the ring.
            if (!retry_) {
                retry_ = loop_.at(SteadyClock::now() + kTryAgainAfter, [this] {
                    retry_.reset();
                    give();
                });
            }
            return;
        }
    }

    void onEvents(std::uint32_t /*events*/) override {
        std::array<io_uring_cqe*, 64> entries{};
        unsigned count = 0;
        do {
            count = ::io_uring_peek_batch_cqe(&ring_, entries.data(), static_cast<unsigned>(entries.size()));
            for (unsigned i = 0; i < count; ++i)
                finish(*static_cast<BlockRequest*>(::io_uring_cqe_get_data(entries[i])), entries[i]->res);
            ::io_uring_cq_advance(&ring_, count);
        } while (count == entries.size());
        batchFinished();
    }

    EventLoop& loop_;
    FileDescriptor ended_;
    io_uring ring_{};
    bool open_ = false;
    std::optional<EventLoop::TimerId> retry_;
};

}  // namespace

Result<std::unique_ptr<DirectEngine>> openUringEngine(EventLoop& loop, BlockSink& sink, unsigned depth) {
    FileDescriptor ended(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!ended) return failErrno("eventfd", "", errno);
    auto engine = std::make_unique<UringEngine>(loop, sink, depth, std::move(ended));
    if (auto started = engine->start(depth); !started) return std::unexpected(started.error());
    return engine;
}

}  // namespace mc::io
