#include "transport/local_files/local_files_transport.h"

#include <algorithm>
#include <thread>

#include "base/errors.h"
#include "base/thread.h"
#include "transport/block_loop.h"

namespace mc::localfiles {

class LocalFilesTransport::FilesPeer final : public LanePeer {
  public:
    FilesPeer(const LocalFilesTransport& transport, std::shared_ptr<const FileChain> opened)
        : LanePeer(transport.loops_.size()), files(std::move(opened)), transport_(transport) {}
    std::unique_ptr<mc::Lane> makeLane(LaneContext& context) override {
        return std::make_unique<Lane>(context, files, blockQueueOf(transport_.loops_, context));
    }

    BlockFilesBox files;

  private:
    const LocalFilesTransport& transport_;
};

Result<std::unique_ptr<LocalFilesTransport>> LocalFilesTransport::open(std::string server_name, int workers) {
    const int count =
        std::clamp<int>(workers, 1, std::max<int>(1, static_cast<int>(std::thread::hardware_concurrency())));
    std::vector<std::unique_ptr<ClientLoop>> loops;
    for (int i = 0; i < count; ++i) {
        auto loop = ClientLoop::start("file", i, &openBlockQueue);
        if (!loop) return std::unexpected(loop.error());
        loops.push_back(std::move(*loop));
    }
    return std::unique_ptr<LocalFilesTransport>(new LocalFilesTransport(std::move(server_name), std::move(loops)));
}

TransportCounters LocalFilesTransport::counters() const {
    TransportCounters total;
    for (const auto& loop : loops_) {
        total.bytes_read += loop->context().bytes_read.load(std::memory_order_relaxed);
        total.bytes_written += loop->context().bytes_written.load(std::memory_order_relaxed);
    }
    return total;
}

Result<void> LocalFilesTransport::registerMemory(void* /*addr*/, std::size_t /*length*/, std::string_view /*location*/,
                                                 bool /*remote_accessible*/) {
    return {};
}

Result<void> LocalFilesTransport::unregisterMemory(void* /*addr*/) {
    return {};
}

Result<std::unique_ptr<Peer>> LocalFilesTransport::connect(const std::string& /*host*/,
                                                           const SegmentDescriptor& descriptor) {
    auto files = FileChain::open(descriptor, server_name_);
    if (!files) return std::unexpected(files.error());
    return std::make_unique<FilesPeer>(*this, std::move(*files));
}

Result<void> LocalFilesTransport::update(Peer& peer, const std::string& /*host*/, const SegmentDescriptor& descriptor) {
    auto files = FileChain::open(descriptor, server_name_);
    if (!files) return std::unexpected(files.error());
    static_cast<FilesPeer&>(peer).files.set(std::move(*files));
    return {};
}

PeerInfo LocalFilesTransport::inspect(const Peer& peer) const {
    PeerInfo info;
    info.page_cache = true;
    info.problem = static_cast<const FilesPeer&>(peer).files.problem();
    return info;
}

void LocalFilesTransport::submit(std::span<Slice> slices) {
    if (slices.empty()) return;
    const std::size_t loop = threadNumber() % loops_.size();
    // All slices of a call are of one batch.
    slices.front().task->batch->visit(static_cast<int>(loop));
    loops_[loop]->submit(slices);
}

void LocalFilesTransport::await(Completion& completion, Deadline deadline) {
    if (const int home = completion.home(); home >= 0) {
        loops_[static_cast<std::size_t>(home)]->await(completion, deadline);
        return;
    }
    completion.waitDone(deadline);
}

void LocalFilesTransport::shutDown() {
    for (const auto& loop : loops_) {
        loop->shutDown();
    }
}

}  // namespace mc::localfiles
