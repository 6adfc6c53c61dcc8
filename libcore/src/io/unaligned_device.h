#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "io/block_device.h"

namespace mc::io {

/// Another view of a direct device, of which any range can be read and written, from and to any memory: through memory
/// of its own. A write that begins or ends within a block reads that block first and writes it back whole; other writes
/// through the same view are kept out of it meanwhile, others' are not. Slow: every request takes a worker.
class UnalignedDevice : public BlockDevice {
  public:
    explicit UnalignedDevice(std::shared_ptr<BlockDevice> direct) : direct_(std::move(direct)) {}

    const std::string& name() const override { return direct_->name(); }
    std::uint64_t size() const override { return direct_->size(); }
    std::uint32_t blockSize() const override { return direct_->blockSize(); }
    bool isReadOnly() const override { return direct_->isReadOnly(); }
    std::optional<int> tryNow(BlockRequest& request) override;
    int carryOut(BlockRequest& request) override;

  private:
    /// Keeps others out of the blocks at these offsets that write parts of blocks, too.
    class PartLocks {
      public:
        PartLocks(UnalignedDevice& device, std::optional<std::uint64_t> first, std::optional<std::uint64_t> last);

      private:
        std::unique_lock<std::mutex> first_;
        std::unique_lock<std::mutex> second_;
    };

    int read(BlockRequest& request, std::byte* blocks);
    int write(BlockRequest& request, std::byte* blocks);
    int move(BlockRequest::Kind kind, std::uint64_t offset, std::span<std::byte> blocks);

    const std::shared_ptr<BlockDevice> direct_;
    std::array<std::mutex, 64> locks_;  // Of blocks by their number.
};

}  // namespace mc::io
