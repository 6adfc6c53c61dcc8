#include "nvme/kernel/target/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::nvmet {
namespace {

int result(int returned) {
    return returned == 0 ? 0 : errno;
}

}  // namespace

bool Tree::has(std::string_view path) const {
    struct stat found{};
    return ::lstat(at(path).c_str(), &found) == 0;
}

std::vector<std::string> Tree::list(std::string_view path) const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(at(path), ignored))
        names.push_back(entry.path().filename().native());
    std::ranges::sort(names);
    return names;
}

int Tree::make(std::string_view path) const {
    return result(::mkdir(at(path).c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH));
}

int Tree::remove(std::string_view path) const {
    return result(::rmdir(at(path).c_str()));
}

int Tree::link(std::string_view path, std::string_view link) const {
    return result(::symlink(at(path).c_str(), at(link).c_str()));
}

int Tree::unlink(std::string_view link) const {
    return result(::unlink(at(link).c_str()));
}

Result<std::string> Tree::read(std::string_view attribute) const {
    const FileDescriptor file(::open(at(attribute).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return problem("open", attribute, errno);
    std::array<char, 4096> page{};  // The most that an attribute has.
    const ssize_t got = ::read(file.get(), page.data(), page.size());
    if (got < 0) return problem("read", attribute, errno);
    std::string value(page.data(), static_cast<std::size_t>(got));
    while (value.ends_with('\n'))
        value.pop_back();
    return value;
}

Result<void> Tree::write(std::string_view attribute, std::string_view value) const {
    const FileDescriptor file(::open(at(attribute).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!file) return problem("open", attribute, errno);
    // The kernel takes a value by one call, and answers it.
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    if (written < 0) return problem("write", attribute, errno);
    if (written != static_cast<ssize_t>(value.size())) return problem("write", attribute, EOVERFLOW);
    return {};
}

Result<void> Tree::writeSecret(std::string_view attribute, std::string_view value) const {
    if (::chmod(at(attribute).c_str(), S_IRUSR | S_IWUSR) != 0) return problem("chmod", attribute, errno);
    return write(attribute, value);
}

std::unexpected<Error> Tree::problem(std::string_view operation, std::string_view path, int number) const {
    return failErrno(operation, at(path).native(), number);
}

}  // namespace mc::nvmet
