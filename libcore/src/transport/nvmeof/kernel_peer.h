#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "mc/engine_options.h"
#include "mc/segment.h"

#include "io/block_queue.h"
#include "nvme/kernel/host/kernel_host.h"
#include "transport/block_files.h"
#include "transport/nvmeof/kernel_files.h"
#include "transport/nvmeof/remote_peer.h"

namespace mc::nvmeof {

/// A peer whose files the kernel's NVMe host reaches: one controller, which all lanes share through its block devices.
/// The kernel reconnects by itself, and holds requests meanwhile, for the loss time-out; when it has given up, or a
/// device is another one, this connects anew.
class KernelPeer final : public RemotePeer {
  public:
    struct Setup {
        std::size_t loops = 1;
        const nvme::kernel::KernelHost& host;
        const NvmeofOptions& options;
        std::function<io::BlockQueue&(const LaneContext&)> queue_of;
    };
    /// Connects, and opens all files. Blocks meanwhile.
    static Result<std::unique_ptr<KernelPeer>> open(Setup setup, RemoteTarget target);
    ~KernelPeer() override;
    KernelPeer(const KernelPeer&) = delete;
    KernelPeer& operator=(const KernelPeer&) = delete;

    std::unique_ptr<mc::Lane> makeLane(LaneContext& context) override;
    Result<void> follow(RemoteTarget target) override;
    PeerInfo inspect() const override;
    /// Nobody connects anew any more, and the controller is let go: what the kernel holds back fails if nobody else
    /// needs it.
    void letGo();

  private:
    /// What lanes see of the files; a doubt of theirs has the peer look.
    class Box final : public BlockFilesBox {
      public:
        Box(KernelPeer& peer, std::shared_ptr<const BlockFiles> files) : BlockFilesBox(std::move(files)), peer_(peer) {}
        std::uint64_t doubt() override;
        Doubt outcome(std::uint64_t number) const override;

      private:
        KernelPeer& peer_;
    };
    /// A controller with the files that were opened there.
    struct Attachment {
        nvme::kernel::KernelController controller;
        std::shared_ptr<const KernelFiles> files;
    };

    KernelPeer(Setup setup, nvme::kernel::Holder holder, RemoteTarget target, Attachment attachment);
    static Result<Attachment> attach(const Setup& setup, const RemoteTarget& target, const nvme::kernel::Holder& holder,
                                     const KernelFiles* before, std::chrono::seconds appear_time);
    Result<bool> renew();
    void settleDoubts(const std::stop_token& stop);
    void release(const nvme::kernel::KernelController& controller);

    const Setup setup_;
    const nvme::kernel::Holder holder_;

    std::mutex renewing_;  // One at a time.
    // Under `renewing_`:
    Attachment attachment_;
    bool gone_ = false;

    mutable std::mutex mutex_;  // Guards what follows.
    std::condition_variable_any doubted_;
    RemoteTarget target_;
    std::uint64_t doubts_ = 0;   // That lanes have had.
    std::uint64_t settled_ = 0;  // Up to which number.
    bool unclear_ = false;       // The last ones.

    Box box_;
    std::jthread settler_;  // Last: it ends before the rest goes.
};

}  // namespace mc::nvmeof
