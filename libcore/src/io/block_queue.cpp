#include "io/block_queue.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/errors.h"
#include "io/block_sink.h"
#include "io/direct_engine.h"
#include "io/worker_pool.h"

namespace mc::io {
namespace {

using Engine = BlockQueueOptions::Engine;
using Kind = BlockRequest::Kind;

constexpr unsigned kMostDepth = 4096;

bool isAligned(std::uint64_t value, std::uint64_t alignment) {
    return value % alignment == 0;
}

// An errno for what must not reach the device, or 0.
int refusal(const BlockRequest& request) {
    const BlockDevice& device = *request.device;
    if (request.kind == Kind::Flush) return 0;
    if (request.offset > device.size() || request.length > device.size() - request.offset) return EINVAL;
    if (request.kind != Kind::Read && device.isReadOnly()) return EROFS;
    if (!device.isDirect()) return 0;
    const bool has_data = request.kind == Kind::Read || request.kind == Kind::Write;
    const auto memory = has_data ? reinterpret_cast<std::uintptr_t>(request.data) : 0;
    return isAligned(request.offset, device.blockSize()) && isAligned(request.length, device.blockSize()) &&
                   isAligned(memory, device.memoryAlignment())
               ? 0
               : EINVAL;
}

// None: workers do it.
Result<std::unique_ptr<DirectEngine>> openEngine(EventLoop& loop, BlockSink& sink, const BlockQueueOptions& options) {
    if (options.engine == Engine::Aio) return openAioEngine(loop, sink, options.depth);
    if (options.engine == Engine::Uring) return openUringEngine(loop, sink, options.depth);
    if (options.engine == Engine::Threads) return nullptr;
    if (auto engine = openAioEngine(loop, sink, options.depth)) return engine;
    if (auto engine = openUringEngine(loop, sink, options.depth)) return engine;
    return nullptr;
}

class Queue : public BlockQueue, private BlockSink {
  public:
    static Result<std::unique_ptr<BlockQueue>> open(EventLoop& loop, const BlockQueueOptions& options) {
        std::unique_ptr<Queue> queue(new Queue);
        auto workers = WorkerPool::open(loop, *queue, options.workers);
        if (!workers) return std::unexpected(workers.error());
        queue->workers_ = std::move(*workers);
        auto engine = openEngine(loop, *queue, options);
        if (!engine) return std::unexpected(engine.error());
        queue->engine_ = std::move(*engine);
        return queue;
    }

    std::optional<int> submit(BlockRequest& request) override {
        if (const int error = refusal(request); error != 0) return error;
        if (request.length == 0 && request.kind != Kind::Flush) return 0;
        request.moved = 0;
        if (const auto end = request.device->tryNow(request)) return end;
        ++in_flight_;
        const bool moves = request.kind == Kind::Read || request.kind == Kind::Write;
        if (engine_ && moves && request.device->isDirect()) {
            engine_->submit(request);
        } else {
            workers_->submit(request);
        }
        return std::nullopt;
    }

    void flush() override {
        if (engine_) engine_->flush();
        workers_->flush();  // Last: the engine may have left them something.
    }
    std::size_t inFlight() const override { return in_flight_; }
    std::string engineName() const override { return engine_ ? engine_->name() : "threads"; }

  private:
    Queue() = default;

    void ended(BlockRequest& request, int error) override {
        --in_flight_;
        request.done(request, error);
    }
    void needsWorker(BlockRequest& request) override { workers_->submit(request); }
    void batchEnded() override { flush(); }

    std::size_t in_flight_ = 0;
    std::unique_ptr<WorkerPool> workers_;
    std::unique_ptr<DirectEngine> engine_;
};

}  // namespace

Result<std::unique_ptr<BlockQueue>> BlockQueue::open(EventLoop& loop, const BlockQueueOptions& options) {
    if (options.depth == 0 || options.depth > kMostDepth) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("a depth of {}: it must be between 1 and {}", options.depth, kMostDepth));
    }
    return Queue::open(loop, options);
}

}  // namespace mc::io
