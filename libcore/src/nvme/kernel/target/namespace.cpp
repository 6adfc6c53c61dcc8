#include "nvme/kernel/target/namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/errors.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "nvme/kernel/target/subsystem.h"
#include "nvme/uuid.h"

namespace mc::nvmet {
namespace {

constexpr std::uint32_t kLargestFileBlock = 4096;

Result<void> describeFile(const Tree& tree, const std::string& path, const NamespaceOptions& options) {
    if (auto written = tree.write(path + "/device_path", options.path); !written) return written;
    if (auto written = tree.write(path + "/device_nguid", nvme::formatUuid(options.nguid)); !written) return written;
    if (auto written = tree.write(path + "/device_uuid", nvme::formatUuid(options.uuid)); !written) return written;
    if (auto written = tree.write(path + "/buffered_io", options.buffered ? "1" : "0"); !written) return written;
    // Opens the file.
    auto enabled = tree.write(path + "/enable", "1");
    if (enabled) return enabled;
    return std::unexpected(wrap(fmt::format("the kernel can't serve {}", printable(options.path)), enabled.error()));
}

}  // namespace

std::string namespacePath(std::string_view nqn, std::uint32_t nsid) {
    return fmt::format("{}/namespaces/{}", subsystemPath(nqn), nsid);
}

Result<void> addNamespace(const Tree& tree, Record& record, const NamespaceOptions& options) {
    if (options.path.find('\n') != std::string::npos) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: the kernel takes no name with a newline", printable(options.path)));
    }
    const std::string path = namespacePath(record.made().nqn, options.nsid);
    if (auto recorded = record.addNamespace(options.nsid); !recorded) return recorded;
    if (const int error = tree.make(path); error != 0) {
        if (auto dropped = record.dropNamespace(options.nsid); !dropped) return dropped;
        return tree.problem("make", path, error);
    }
    auto described = describeFile(tree, path, options);
    if (described) return described;
    if (auto removed = removeNamespace(tree, record, options.nsid); !removed)
        log::warning("{}", removed.error().message);
    return described;
}

Result<void> removeNamespace(const Tree& tree, Record& record, std::uint32_t nsid) {
    const std::string path = namespacePath(record.made().nqn, nsid);
    // Disables it, too.
    const int error = tree.remove(path);
    if (error != 0 && error != ENOENT) return tree.problem("remove", path, error);
    // It has gone all the same; at the end it is not found, which is no error.
    if (auto dropped = record.dropNamespace(nsid); !dropped) log::warning("{}", dropped.error().message);
    return {};
}

Result<std::uint32_t> blockSizeOf(const io::FileFacts& file) {
    const FileDescriptor descriptor(::open(file.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!descriptor) return failErrno("open", printable(file.path), errno);
    if (file.is_block_device) {
        int size = 0;
        if (::ioctl(descriptor.get(), BLKSSZGET, &size) != 0)
            return failErrno("BLKSSZGET", printable(file.path), errno);
        return static_cast<std::uint32_t>(size);
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) return failErrno("stat", printable(file.path), errno);
    return std::min(static_cast<std::uint32_t>(status.st_blksize), kLargestFileBlock);
}

}  // namespace mc::nvmet
