#include "mc-meta/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/errors.h"

namespace mc::meta {
namespace {

constexpr mode_t kReadable = 0644;

Error cannotCreate(std::string_view operation, const std::string& path, int number) {
    Error error = systemError(operation, path, number);
    if (error.code == ErrorCode::NoInput) error.code = ErrorCode::CannotCreate;
    return error;
}

// Until then, the name may be gone after a power failure.
Result<void> syncDirectory(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    const std::string name = parent.empty() ? "." : parent.string();
    const FileDescriptor directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failErrno("open", name, errno);
    // Some file systems know no such thing.
    if (::fsync(directory.get()) != 0 && errno != EINVAL) return failErrno("fsync", name, errno);
    return {};
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
    std::string partial = path + ".XXXXXX";
    FileDescriptor fd(::mkostemp(partial.data(), O_CLOEXEC));
    if (!fd) return std::unexpected(cannotCreate("create", path, errno));
    return OutputFile(path, std::move(partial), std::move(fd));
}

OutputFile::~OutputFile() {
    if (fd_) ::unlink(partial_.c_str());
}

Result<void> OutputFile::write(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd_.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failErrno("write", path_, errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> OutputFile::sync() {
    if (::fchmod(fd_.get(), kReadable) != 0) return failErrno("chmod", path_, errno);
    if (::fsync(fd_.get()) != 0) return failErrno("fsync", path_, errno);
    return {};
}

Result<void> OutputFile::finish() {
    if (auto synced = sync(); !synced) return synced;
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return std::unexpected(cannotCreate("rename to", path_, errno));
    fd_.reset();
    return syncDirectory(path_);
}

Result<void> OutputFile::finishNew() {
    if (auto synced = sync(); !synced) return synced;
    if (::link(partial_.c_str(), path_.c_str()) != 0) return std::unexpected(cannotCreate("create", path_, errno));
    ::unlink(partial_.c_str());
    fd_.reset();
    return syncDirectory(path_);
}

}  // namespace mc::meta
