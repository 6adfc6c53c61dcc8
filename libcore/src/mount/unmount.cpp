#include "mount/unmount.h"

#include <fmt/format.h>
#include <sys/mount.h>

#include <cerrno>

#include "base/errors.h"
#include "base/text.h"
#include "mount/mount_table.h"
#include "mount/program.h"

namespace mc::mount {
namespace {

std::unexpected<Error> busy(const std::string& directory) {
    return fail(ErrorCode::Busy, fmt::format("unmount {}: it is in use", printable(directory)),
                fmt::format("fuser -vm {} shows who uses it; --force takes it off all the same", printable(directory)));
}

Result<void> byProgram(const std::string& directory, Unmounting how, Deadline deadline) {
    std::vector<std::string> words{"fusermount3", "-u"};
    if (how == Unmounting::Lazy) words.emplace_back("-z");
    words.insert(words.end(), {"--", directory});
    const auto ended = runProgram(words, deadline);
    if (!ended && ended.error().code == ErrorCode::NoInput) {
        return fail(
            ErrorCode::Unavailable,
            fmt::format("unmount {}: fusermount3 is not there, and only root can do without", printable(directory)),
            "apt-get install fuse3");
    }
    if (!ended) return std::unexpected(wrap(fmt::format("unmount {}", printable(directory)), ended.error()));
    if (ended->status == 0) return {};
    if (ended->output.contains("busy")) return busy(directory);
    return fail(ErrorCode::NotPermitted,
                fmt::format("unmount {}: {}", printable(directory),
                            printable(split(ended->output.empty() ? "fusermount3 failed" : ended->output, '\n')[0])));
}

}  // namespace

Result<void> unmount(const std::string& directory, Unmounting how, Deadline deadline) {
    const auto mounts = mountPoints();
    if (!mounts) return std::unexpected(mounts.error());
    if (!mountAt(*mounts, directory))
        return fail(ErrorCode::NotFound, fmt::format("unmount {}: nothing is mounted there", printable(directory)));
    const int flags = UMOUNT_NOFOLLOW | (how == Unmounting::Lazy ? MNT_DETACH : 0);
    if (::umount2(directory.c_str(), flags) == 0) return {};
    if (errno == EBUSY) return busy(directory);
    if (errno == EPERM) return byProgram(directory, how, deadline);
    return failErrno("unmount", directory, errno);
}

}  // namespace mc::mount
