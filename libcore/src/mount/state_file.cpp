#include "mount/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::mount {
namespace {

std::string fromEnvironment(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes it
    return value == nullptr ? "" : value;
}

// A file of its own: the state file is replaced, and a lock on the old one would exclude nobody.
Result<FileDescriptor> lock(const std::string& path, Deadline deadline) {
    const std::string name = path + ".lock";
    FileDescriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) return failErrno("open", name, errno);
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return failErrno("lock", name, errno);
        if (deadline && SteadyClock::now() >= *deadline)
            return fail(ErrorCode::Busy, fmt::format("lock {}: another process holds it", name));
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return file;
}

Result<void> writeAll(const FileDescriptor& file, const std::string& name, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failErrno("write", name, errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) return failErrno("sync", name, errno);
    return {};
}

// Whoever reads it, or starts after a loss of power, sees the old text or the new one.
Result<void> replace(const std::string& path, std::string_view text) {
    const std::string name = path + ".new";
    const FileDescriptor file(
        ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) return failErrno("create", name, errno);
    if (auto written = writeAll(file, name, text); !written) {
        ::unlink(name.c_str());
        return written;
    }
    if (::rename(name.c_str(), path.c_str()) != 0) return failErrno("rename", name, errno);
    return {};
}

}  // namespace

Result<std::string> defaultStateFile() {
    if (::geteuid() == 0) return "/var/lib/mc/mounts.json";
    if (const std::string home = fromEnvironment("XDG_STATE_HOME"); !home.empty()) return home + "/mc/mounts.json";
    if (const std::string home = fromEnvironment("HOME"); !home.empty()) return home + "/.local/state/mc/mounts.json";
    return fail(ErrorCode::Config, "there is no place to remember mounts in: HOME is not set", "give --state-file");
}

Result<std::vector<MountEntry>> readState(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int error = errno;
        if (error == ENOENT || error == ENOTDIR) return std::vector<MountEntry>{};
        return failErrno("read", path, error);
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto entries = decodeState(text);
    if (entries) return entries;
    return fail(ErrorCode::BadData, fmt::format("{}: {}", path, entries.error().message),
                "what it had is lost: move it away, and take what is mounted off by mc-mount remove DIR");
}

Result<void> updateState(const std::string& path, const StateEdit& edit, Deadline deadline) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (error) {
        Error told = systemError("make directory of", path, error.value());
        if (told.hint.empty()) told.hint = "--state-file names another place";
        return std::unexpected(std::move(told));
    }
    const auto locked = lock(path, deadline);
    if (!locked) return std::unexpected(locked.error());
    auto entries = readState(path);
    if (!entries) return std::unexpected(entries.error());
    const auto changed = edit(*entries);
    if (!changed) return std::unexpected(changed.error());
    return *changed ? replace(path, encodeState(*entries)) : Result<void>{};
}

MountEntry* findEntry(std::vector<MountEntry>& entries, std::string_view directory) {
    const auto found = std::ranges::find(entries, directory, &MountEntry::directory);
    return found == entries.end() ? nullptr : &*found;
}

}  // namespace mc::mount
