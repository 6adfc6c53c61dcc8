#include <libaio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "io/block_device.h"
#include "io/direct_engine.h"

namespace mc::io {
namespace {

class AioEngine : public DirectEngine, private EventHandler {
  public:
    AioEngine(EventLoop& loop, BlockSink& sink, unsigned depth, FileDescriptor ended)
        : DirectEngine(sink, depth), loop_(loop), ended_(std::move(ended)), blocks_(depth) {
        prepared_.reserve(depth);
        free_.reserve(depth);
        for (iocb& block : blocks_)
            free_.push_back(&block);
    }

    AioEngine(const AioEngine&) = delete;
    AioEngine& operator=(const AioEngine&) = delete;
    ~AioEngine() override {
        loop_.remove(ended_.get());
        if (context_ != nullptr) ::io_destroy(context_);
    }

    Result<void> start() {
        const int error = ::io_setup(static_cast<int>(blocks_.size()), &context_);
        if (error == -ENOSYS || error == -EPERM)
            return fail(ErrorCode::Unsupported, "io_setup: this kernel has no asynchronous I/O");
        if (error < 0) {
            Error failure = systemError("io_setup", "", -error);
            if (error == -EAGAIN) failure.hint = "see the system's limit: sysctl fs.aio-nr fs.aio-max-nr";
            return std::unexpected(std::move(failure));
        }
        // Edges: each completion is one, so that the counter need never be read.
        return loop_.add(ended_.get(), EPOLLIN | EPOLLET, *this);
    }

    const char* name() const override { return "libaio"; }

  private:
    void prepare(BlockRequest& request) override {
        iocb* const block = free_.back();
        free_.pop_back();
        const auto prepare_for = request.kind == BlockRequest::Kind::Read ? ::io_prep_pread : ::io_prep_pwrite;
        const std::uint64_t offset = request.offset + request.moved;
        prepare_for(block, request.device->descriptor(), request.data + request.moved, request.length - request.moved,
                    static_cast<long long>(offset));
        block->aio_rw_flags = flagsOf(request);
        block->data = &request;
        ::io_set_eventfd(block, ended_.get());
        prepared_.push_back(block);
    }

    void give() override {
        std::size_t given = 0;
        while (given < prepared_.size()) {
            const int taken =
                ::io_submit(context_, static_cast<long>(prepared_.size() - given), prepared_.data() + given);
            if (taken > 0) {
                given += static_cast<std::size_t>(taken);
            } else if (taken != -EINTR) {
                // It stops at the first that it does not take.
                iocb* const block = prepared_[given++];
                free_.push_back(block);
                refused(*static_cast<BlockRequest*>(block->data), taken);
            }
        }
        prepared_.clear();
    }

    void onEvents(std::uint32_t /*events*/) override {
        std::array<io_event, 64> events;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the kernel
        int count = 0;
        do {
            timespec at_once{};
            count = ::io_getevents(context_, 0, static_cast<long>(events.size()), events.data(), &at_once);
            for (int i = 0; i < count; ++i) {
                const io_event& event = events[static_cast<std::size_t>(i)];
                free_.push_back(event.obj);
                finish(*static_cast<BlockRequest*>(event.obj->data), static_cast<long>(event.res));
            }
        } while (count == static_cast<int>(events.size()) || count == -EINTR);
        batchFinished();
    }

    EventLoop& loop_;
    FileDescriptor ended_;
    io_context_t context_ = nullptr;
    std::vector<iocb> blocks_;
    std::vector<iocb*> free_;
    std::vector<iocb*> prepared_;
};

}  // namespace

Result<std::unique_ptr<DirectEngine>> openAioEngine(EventLoop& loop, BlockSink& sink, unsigned depth) {
    FileDescriptor ended(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!ended) return failErrno("eventfd", "", errno);
    auto engine = std::make_unique<AioEngine>(loop, sink, depth, std::move(ended));
    if (auto started = engine->start(); !started) return std::unexpected(started.error());
    return engine;
}

}  // namespace mc::io
