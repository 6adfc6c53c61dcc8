#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::nvmet {

/// Where a port of the kernel's target listens, as its attributes have it.
struct PortAddress {
    std::string trtype;  ///< "tcp" or "rdma".
    std::string adrfam;  ///< "ipv4" or "ipv6".
    std::string traddr;  ///< Numeric.
    std::string trsvcid;

    bool operator==(const PortAddress&) const = default;
};

/// What one target has made in the kernel, or was about to make.
struct Made {
    struct Port {
        std::uint16_t id = 0;
        PortAddress address;
    };
    std::string nqn;                   ///< Of the subsystem; empty: none.
    std::string serial;                ///< That the subsystem has then: nobody else gives it one like it.
    std::vector<std::string> allowed;  ///< Hosts that the subsystem admits,
    std::vector<std::string> hosts;    ///< and those that somebody of us has made.
    std::vector<Port> ports;
    std::vector<std::uint32_t> namespaces;

    bool isNothing() const { return nqn.empty() && hosts.empty() && ports.empty(); }
};

/// The file that says what a target has made in the kernel, so that it, or what starts after it was killed, takes down
/// that and nothing else. A line is added before each object is made. The file is locked for as long as its target
/// lives, however it ends. Not thread-safe.
class Record {
  public:
    /// Of a target that starts with this subsystem: a new file. Busy where one lives that has it. The directory's
    /// DirectoryLock must be held, here and for open() and erase().
    static Result<Record> create(const std::filesystem::path& directory, std::string_view nqn);
    /// What somebody has left. Nothing where its target lives, or the file is gone.
    static Result<std::optional<Record>> open(const std::filesystem::path& path);
    /// All in a directory, of the living and the dead.
    static std::vector<std::filesystem::path> list(const std::filesystem::path& directory);
    /// What a file says; lines that were cut off or make no sense count for nothing.
    static Made read(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }
    const Made& made() const { return made_; }

    Result<void> addSubsystem(const std::string& nqn, const std::string& serial);
    /// It is somebody else's after all.
    Result<void> dropSubsystem();
    Result<void> addAllowed(const std::string& nqn);
    Result<void> addHost(const std::string& nqn);
    /// It is somebody else's after all.
    Result<void> dropHost(const std::string& nqn);
    Result<void> addPort(const Made::Port& port);
    /// The same.
    Result<void> dropPort(std::uint16_t id);
    Result<void> addNamespace(std::uint32_t nsid);
    Result<void> dropNamespace(std::uint32_t nsid);
    /// Nothing is left of it.
    void erase() const;

  private:
    Record(std::filesystem::path path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}
    Result<void> append(const std::string& line);
    void cutOff(std::size_t bytes);

    std::filesystem::path path_;
    FileDescriptor file_;
    Made made_;
};

/// Held while targets look at each other's records, begin and end.
class DirectoryLock {
  public:
    /// Makes the directory where it is missing; NotPermitted where it is another user's, or others may write to it.
    /// Waits ten seconds at most: Busy.
    static Result<DirectoryLock> take(const std::filesystem::path& directory);

  private:
    explicit DirectoryLock(FileDescriptor directory) : directory_(std::move(directory)) {}
    FileDescriptor directory_;
};

/// Where this user's records are: /run/mc-nvmet (root), mc-nvmet below XDG_RUNTIME_DIR, or /tmp/mc-nvmet-UID. Not in
/// the directory of the control sockets, which systemd removes with a service that has crashed.
std::filesystem::path recordDirectory();

}  // namespace mc::nvmet
