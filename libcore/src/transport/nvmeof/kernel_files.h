#pragma once

#include <map>
#include <memory>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"

#include "io/unaligned_device.h"
#include "nvme/kernel/host/kernel_host.h"
#include "transport/block_files.h"

namespace mc::nvmeof {

/// The files of a peer as the block devices of the kernel's NVMe host: file N is namespace N.
class KernelFiles final : public BlockFiles {
  public:
    /// How a file is reached.
    struct File {
        nvme::kernel::NamespaceEntry entry;
        std::shared_ptr<io::BlockDevice> device;
        std::shared_ptr<io::UnalignedDevice> unaligned;  ///< Any range of it; null where `device` takes any itself.
    };

    /// Opens the namespaces with these numbers, each waited for until the deadline. Those that are not there are left
    /// out; an error where none is. `before`: those that these are to replace, or null; requests may still be using
    /// them.
    static Result<std::shared_ptr<const KernelFiles>> open(const nvme::kernel::KernelHost& host,
                                                           const nvme::kernel::KernelController& controller,
                                                           const std::vector<FileBufferID>& ids, bool page_cache,
                                                           const KernelFiles* before, Deadline deadline);
    KernelFiles(std::map<FileBufferID, File> files, std::vector<Error> missing, bool page_cache)
        : files_(std::move(files)), missing_(std::move(missing)), page_cache_(page_cache) {}

    /// Whether a range is within the file its device tells.
    bool holds(const Slice& /*slice*/) const override { return true; }
    Piece pieceAt(const Slice& slice, std::uint64_t moved) const override;
    bool acknowledgeWrites() const override { return !page_cache_; }

    /// Why files were left out.
    const std::vector<Error>& missing() const { return missing_; }
    std::vector<FileBufferID> readOnly() const;
    bool sameAs(const KernelFiles& other) const;

  private:
    const File* find(FileBufferID id) const;

    std::map<FileBufferID, File> files_;
    std::vector<Error> missing_;
    bool page_cache_;
};

}  // namespace mc::nvmeof
