#include "transport/nvmeof/kernel_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace mc::nvmeof {

using nvme::kernel::KernelController;
using nvme::kernel::KernelHost;

namespace {

Result<KernelFiles::File> openOne(const KernelHost& host, const KernelController& controller, FileBufferID id,
                                  bool page_cache, const KernelFiles::File* before, Deadline deadline) {
    for (;;) {
        auto entry = host.findNamespace(controller, id, deadline);
        if (!entry) return std::unexpected(entry.error());
        // It was exported on purpose, whatever is on it, and others may have it, too.
        auto device = io::openFileDevice(
            entry->path, {.read_only = entry->read_only, .direct = !page_cache, .force = true, .shared = true});
        if (!device) return std::unexpected(wrap(fmt::format("file {}", id), device.error()));
        // Its name may have been given to another one before it was open.
        const auto now = host.findNamespace(controller, id, deadline);
        if (!now) return std::unexpected(now.error());
        if (*now != *entry) continue;
        std::shared_ptr<io::UnalignedDevice> unaligned;
        if ((*device)->isDirect()) {
            unaligned = before != nullptr && before->unaligned
                            ? std::make_shared<io::UnalignedDevice>(*device, *before->unaligned)
                            : std::make_shared<io::UnalignedDevice>(*device);
        }
        return KernelFiles::File{
            .entry = std::move(*entry), .device = std::move(*device), .unaligned = std::move(unaligned)};
    }
}

bool isAligned(const Slice& slice, const io::BlockDevice& device) {
    return slice.remote % device.blockSize() == 0 && slice.length % device.blockSize() == 0 &&
           reinterpret_cast<std::uintptr_t>(slice.local) % device.memoryAlignment() == 0;
}

}  // namespace

Result<std::shared_ptr<const KernelFiles>> KernelFiles::open(const KernelHost& host, const KernelController& controller,
                                                             const std::vector<FileBufferID>& ids, bool page_cache,
                                                             const KernelFiles* before, Deadline deadline) {
    std::map<FileBufferID, File> files;
    std::vector<Error> missing;
    for (const FileBufferID id : ids) {
        auto file = openOne(host, controller, id, page_cache, before == nullptr ? nullptr : before->find(id), deadline);
        if (file) {
            files.emplace(id, std::move(*file));
        } else {
            missing.push_back(file.error());
        }
    }
    if (files.empty() && !ids.empty()) return std::unexpected(missing.front());
    return std::make_shared<const KernelFiles>(std::move(files), std::move(missing), page_cache);
}

BlockFiles::Piece KernelFiles::pieceAt(const Slice& slice, std::uint64_t moved) const {
    const File* const file = find(slice.file_id);
    if (file == nullptr) return {};
    io::BlockDevice* const device = file->device.get();
    if (file->unaligned && !isAligned(slice, *device))
        return {.device = file->unaligned.get(), .offset = slice.remote + moved, .length = slice.length - moved};
    return {.device = device, .offset = slice.remote + moved, .length = slice.length - moved};
}

const KernelFiles::File* KernelFiles::find(FileBufferID id) const {
    const auto found = files_.find(id);
    return found == files_.end() ? nullptr : &found->second;
}

std::vector<FileBufferID> KernelFiles::readOnly() const {
    std::vector<FileBufferID> all;
    for (const auto& [id, file] : files_) {
        if (file.device->isReadOnly()) all.push_back(id);
    }
    return all;
}

bool KernelFiles::sameAs(const KernelFiles& other) const {
    return std::ranges::equal(
        files_, other.files_, {}, [](const auto& file) { return file.second.entry; },
        [](const auto& file) { return file.second.entry; });
}

}  // namespace mc::nvmeof
