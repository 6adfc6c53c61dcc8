#include "mc-meta/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/errors.h"

namespace mc::meta {
namespace {

constexpr mode_t kReadable = 0644;

Error cannotCreate(std::string_view operation, const std::string& path, int number) {
    Error error = systemError(operation, path, number);
    if (error.code == ErrorCode::NoInput) error.code = ErrorCode::CannotCreate;
    return error;
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

Result<void> OutputFile::finish() {
    if (::fchmod(fd_.get(), kReadable) != 0) return failErrno("chmod", path_, errno);
    if (::fsync(fd_.get()) != 0) return failErrno("fsync", path_, errno);
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return std::unexpected(cannotCreate("rename to", path_, errno));
    fd_.reset();
    return {};
}

}  // namespace mc::meta
