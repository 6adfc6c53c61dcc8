#include "io/file_facts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "base/errors.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/utf8.h"

namespace mc::io {
namespace {

std::unexpected<Error> unfit(std::string_view path, std::string_view why, std::string hint = {}) {
    return fail(ErrorCode::BadData, fmt::format("{}: {}", printable(path), why), std::move(hint));
}

std::string_view kindOf(mode_t mode) {
    if (S_ISDIR(mode)) return "is a directory";
    if (S_ISCHR(mode)) return "is a character device";
    if (S_ISFIFO(mode)) return "is a pipe";
    if (S_ISSOCK(mode)) return "is a socket";
    return "is no regular file";
}

std::string howToMake(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().native();
    if (std::error_code ignored; !std::filesystem::is_directory(directory, ignored))
        return fmt::format("there is no directory {}", printable(directory));
    return fmt::format("is the path right? no file is made here, but by truncate -s 1G {}", printable(path));
}

// Its st_size is 0.
Result<std::uint64_t> blockDeviceLength(const std::string& path) {
    const FileDescriptor device(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!device) return failErrno("open", printable(path), errno);
    std::uint64_t length = 0;
    if (::ioctl(device.get(), BLKGETSIZE64, &length) != 0) return failErrno("BLKGETSIZE64", printable(path), errno);
    return length;
}

}  // namespace

std::string absolutePath(std::string_view path) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) return std::string(path);
    std::filesystem::path clean = "/";
    for (const auto& part : absolute.relative_path()) {
        // What ".." means depends on links.
        if (!part.empty() && part != ".") clean /= part;
    }
    return clean.native();
}

Result<FileFacts> inspectFile(std::string_view path) {
    if (path.empty()) return fail(ErrorCode::InvalidArgument, "the name of a file is empty");
    FileFacts facts{.path = absolutePath(path)};
    if (!isUtf8(facts.path))
        return unfit(facts.path, "the name is not UTF-8, which a descriptor can't hold", "give it another name");
    struct stat status{};
    if (::stat(facts.path.c_str(), &status) != 0) {
        Error error = systemError("stat", printable(facts.path), errno);
        if (error.code == ErrorCode::NoInput) error.hint = howToMake(facts.path);
        return std::unexpected(std::move(error));
    }
    facts.is_block_device = S_ISBLK(status.st_mode);
    if (!facts.is_block_device && !S_ISREG(status.st_mode))
        return unfit(facts.path, kindOf(status.st_mode), "give a regular file or a block device");
    facts.device = facts.is_block_device ? status.st_rdev : status.st_dev;
    facts.inode = facts.is_block_device ? 0 : status.st_ino;
    facts.length = static_cast<std::uint64_t>(status.st_size);
    if (facts.is_block_device) {
        const auto length = blockDeviceLength(facts.path);
        if (!length) return std::unexpected(length.error());
        facts.length = *length;
    }
    if (facts.length == 0) {
        return unfit(facts.path, facts.is_block_device ? "the device has no medium: 0 bytes" : "the file is empty",
                     facts.is_block_device ? "" : "make it as long as it shall be: truncate -s 1G FILE");
    }
    return facts;
}

}  // namespace mc::io
