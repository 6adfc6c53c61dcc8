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
    explicit UnalignedDevice(std::shared_ptr<BlockDevice> direct)
        : UnalignedDevice(std::move(direct), std::make_shared<Locks>()) {}
    /// Writes through `other`, a view of the same bytes, are kept out, too.
    UnalignedDevice(std::shared_ptr<BlockDevice> direct, const UnalignedDevice& other)
        : UnalignedDevice(std::move(direct), other.locks_) {}

    const std::string& name() const override { return direct_->name(); }
    std::uint64_t size() const override { return direct_->size(); }
    std::uint32_t blockSize() const override { return direct_->blockSize(); }
    bool isReadOnly() const override { return direct_->isReadOnly(); }
    std::optional<int> tryNow(BlockRequest& request) override;
    int carryOut(BlockRequest& request) override;

  private:
    using Locks = std::array<std::mutex, 64>;  // Of blocks by their number.

    UnalignedDevice(std::shared_ptr<BlockDevice> direct, std::shared_ptr<Locks> locks)
        : direct_(std::move(direct)), locks_(std::move(locks)) {}

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
    const std::shared_ptr<Locks> locks_;
};

}  // namespace mc::io
