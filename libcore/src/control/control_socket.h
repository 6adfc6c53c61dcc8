#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::control {

/// Where the control sockets of a user's targets are: /run/mc-target for root, else mc-target below `runtime_directory`
/// (XDG_RUNTIME_DIR), or, where that is empty, /tmp/mc-target-UID.
std::filesystem::path socketDirectory(uid_t user, std::string_view runtime_directory);

/// That of this process's user.
std::filesystem::path socketDirectory();

/// The socket of the target `name` in there: '/' becomes %2F.
std::filesystem::path socketPath(const std::filesystem::path& directory, std::string_view name);

/// NotPermitted for a directory in a place where anybody may make one (/tmp) that is not this user's alone: what is in
/// there could be somebody else's socket under our name.
Result<void> expectOwnDirectory(const std::filesystem::path& directory);

/// A UNIX socket that only its owner may connect to, bound and listening. Move-only; removes its file on destruction,
/// unless another one is there by now.
class ControlSocket {
  public:
    /// Makes the directory, where there is none, for this user alone. What a killed process has left is replaced.
    /// AlreadyExists, with the process that listens there, for a live one; CannotCreate for what is no socket.
    static Result<ControlSocket> bind(const std::filesystem::path& path);
    ControlSocket(ControlSocket&& other) noexcept;
    ControlSocket& operator=(ControlSocket&&) = delete;
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    ~ControlSocket();

    const FileDescriptor& listener() const { return listener_; }
    const std::filesystem::path& path() const { return path_; }

  private:
    ControlSocket(FileDescriptor listener, std::filesystem::path path);

    FileDescriptor listener_;
    std::filesystem::path path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace mc::control
