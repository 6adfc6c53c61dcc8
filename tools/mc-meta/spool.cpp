#include "mc-meta/spool.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::meta {

Result<std::fstream> openSpool() {
    std::error_code none;
    std::string path = (std::filesystem::temp_directory_path(none) / "mc-meta.XXXXXX").string();
    const FileDescriptor fd(::mkstemp(path.data()));
    if (!fd) return failErrno("create", path, errno);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const int number = errno;
    ::unlink(path.c_str());
    if (!file) return failErrno("open", path, number);
    return file;
}

}  // namespace mc::meta
