#include "io/signature.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>

#include "base/errors.h"
#include "base/fd.h"
#include "base/text.h"

namespace mc::io {
namespace {

struct FreeProbe {
    void operator()(blkid_probe probe) const { ::blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<blkid_struct_probe, FreeProbe>;

std::string describe(blkid_probe probe) {
    const char* value = nullptr;
    if (::blkid_probe_lookup_value(probe, "TYPE", &value, nullptr) == 0) return printable(value);
    if (::blkid_probe_lookup_value(probe, "PTTYPE", &value, nullptr) == 0)
        return fmt::format("a partition table ({})", printable(value));
    return "more than one file system";
}

}  // namespace

Result<std::optional<std::string>> knownSignature(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file) return failErrno("open", printable(path), errno);
    const Probe probe(::blkid_new_probe());
    if (!probe) return failErrno("probe", printable(path), ENOMEM);
    ::blkid_probe_enable_superblocks(probe.get(), 1);
    ::blkid_probe_enable_partitions(probe.get(), 1);
    errno = 0;
    if (::blkid_probe_set_device(probe.get(), file.get(), 0, 0) != 0)
        return failErrno("probe", printable(path), errno != 0 ? errno : EIO);
    const int found = ::blkid_do_safeprobe(probe.get());  // 0: one, 1: none, -2: several, -1: an error.
    if (found == 1) return std::nullopt;
    if (found == -1) return failErrno("probe", printable(path), errno != 0 ? errno : EIO);
    return describe(probe.get());
}

}  // namespace mc::io
