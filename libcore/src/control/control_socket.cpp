#include "control/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/errors.h"
#include "control/unix_address.h"

namespace mc::control {
namespace {

constexpr int kBacklog = 64;

std::string describe(const std::filesystem::path& path) {
    return fmt::format("control socket {}", path.native());
}

Result<void> makeDirectory(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return {};
    const int number = errno;
    if (number != EEXIST) return failErrno("make directory", path.native(), number);
    return expectOwnDirectory(path);
}

// Held while a socket is looked at and replaced, so that two that start at once don't replace each other's.
Result<FileDescriptor> lockDirectory(const std::filesystem::path& path) {
    FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failErrno("open", path.native(), errno);
    constexpr int kAttempts = 100;
    for (int i = 0; i < kAttempts; ++i) {
        if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
        if (errno != EWOULDBLOCK && errno != EINTR) return failErrno("lock", path.native(), errno);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(ErrorCode::Busy, fmt::format("lock {}: another process holds it", path.native()));
}

/// Removes what nobody listens on; an error if somebody does.
Result<void> clear(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode)) {
        return fail(ErrorCode::CannotCreate, fmt::format("{}: the file exists and is no socket", describe(path)),
                    "give another path with --control-socket");
    }
    const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return failErrno("socket", "", errno);
    const bool connected = ::connect(probe.get(), asSocketAddress(address), sizeof(address)) == 0;
    if (!connected && errno == ECONNREFUSED) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failErrno("remove stale", path.native(), errno);
        return {};
    }
    if (!connected && errno != EAGAIN) return failErrno("probe", path.native(), errno);
    ucred owner{};
    socklen_t length = sizeof(owner);
    const bool known = connected && ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &owner, &length) == 0;
    return fail(ErrorCode::AlreadyExists,
                fmt::format("{}: process {} listens there", describe(path), known ? std::to_string(owner.pid) : "?"),
                "stop that one, or give another path with --control-socket");
}

}  // namespace

std::filesystem::path socketDirectory(uid_t user, std::string_view runtime_directory) {
    if (user == 0) return "/run/mc-target";
    if (!runtime_directory.empty()) return std::filesystem::path(runtime_directory) / "mc-target";
    return fmt::format("/tmp/mc-target-{}", user);
}

std::filesystem::path socketDirectory() {
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nothing changes it
    return socketDirectory(::geteuid(), runtime == nullptr ? "" : runtime);
}

std::filesystem::path socketPath(const std::filesystem::path& directory, std::string_view name) {
    std::string file;
    for (const char letter : name) {
        if (letter == '/') {
            file += "%2F";
        } else {
            file += letter;
        }
    }
    return directory / (file + ".sock");
}

Result<void> expectOwnDirectory(const std::filesystem::path& directory) {
    constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
    struct stat parent{};
    struct stat found{};
    if (::stat(directory.parent_path().c_str(), &parent) != 0 || (parent.st_mode & kOthersWrite) == 0) return {};
    if (::lstat(directory.c_str(), &found) != 0) return {};
    const bool own = S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & kOthersWrite) == 0;
    if (own) return {};
    return fail(ErrorCode::NotPermitted,
                fmt::format("directory {}: another user has made it, or may write to it", directory.native()),
                "remove it, set XDG_RUNTIME_DIR, or give a path elsewhere with --control-socket");
}

Result<ControlSocket> ControlSocket::bind(const std::filesystem::path& path) {
    const auto address = unixAddress(path);
    if (!address) return std::unexpected(address.error());
    const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
    if (auto made = makeDirectory(directory); !made) return std::unexpected(wrap(describe(path), made.error()));
    const auto lock = lockDirectory(directory);
    if (!lock) return std::unexpected(wrap(describe(path), lock.error()));
    if (auto cleared = clear(path, *address); !cleared) return std::unexpected(cleared.error());

    FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return failErrno("socket", "", errno);
    // Before bind, which takes the mode from here: there is no moment at which others may connect.
    if (::fchmod(listener.get(), S_IRUSR | S_IWUSR) != 0) return failErrno("chmod", path.native(), errno);
    if (::bind(listener.get(), asSocketAddress(*address), sizeof(*address)) != 0 ||
        ::listen(listener.get(), kBacklog) != 0) {
        return failErrno("listen on", path.native(), errno);
    }
    return ControlSocket(std::move(listener), path);
}

ControlSocket::ControlSocket(FileDescriptor listener, std::filesystem::path path)
    : listener_(std::move(listener)), path_(std::move(path)) {
    struct stat found{};
    if (::lstat(path_.c_str(), &found) != 0) return;
    device_ = found.st_dev;
    inode_ = found.st_ino;
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : listener_(std::move(other.listener_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket::~ControlSocket() {
    if (path_.empty()) return;
    struct stat found{};
    const bool ours = ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
    if (ours) ::unlink(path_.c_str());
}

}  // namespace mc::control
