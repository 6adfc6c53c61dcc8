#include "nvme/kernel/target/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "nvme/uuid.h"

namespace mc::nvmet {
namespace {

constexpr std::string_view kSuffix = ".record";

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// One entry of a directory: what a record says is looked for, and removed, below the kernel's tree only.
bool isName(std::string_view word) {
    return !word.empty() && word != "." && word != ".." && word.find('/') == std::string_view::npos;
}

void dropPortFrom(Made& made, std::uint16_t id) {
    std::erase_if(made.ports, [id](const Made::Port& port) { return port.id == id; });
}

// "+port 27747 tcp ipv4 127.0.0.1 4420", "-namespace 3": what is made, and what is gone again.
void followLine(const std::vector<std::string>& words, Made& made) {
    if (words.size() == 3 && words[0] == "+subsystem" && isName(words[1])) {
        made.nqn = words[1];
        made.serial = words[2];
    } else if (words.size() == 1 && words[0] == "-subsystem") {
        made.nqn.clear();
    } else if (words.size() == 2 && words[0] == "+allowed" && isName(words[1])) {
        made.allowed.push_back(words[1]);
    } else if (words.size() == 2 && words[0] == "+host" && isName(words[1])) {
        made.hosts.push_back(words[1]);
    } else if (words.size() == 2 && words[0] == "-host") {
        std::erase(made.hosts, words[1]);
    } else if (words.size() == 6 && words[0] == "+port") {
        if (const auto id = number<std::uint16_t>(words[1]))
            made.ports.push_back({.id = *id, .address = {words[2], words[3], words[4], words[5]}});
    } else if (words.size() == 2 && words[0] == "-port") {
        if (const auto id = number<std::uint16_t>(words[1])) dropPortFrom(made, *id);
    } else if (words.size() == 2 && words[0] == "+namespace") {
        if (const auto nsid = number<std::uint32_t>(words[1])) made.namespaces.push_back(*nsid);
    } else if (words.size() == 2 && words[0] == "-namespace") {
        if (const auto nsid = number<std::uint32_t>(words[1])) std::erase(made.namespaces, *nsid);
    }
}

Result<void> expectOwn(const std::filesystem::path& directory, int descriptor) {
    struct stat found{};
    if (::fstat(descriptor, &found) != 0) return failErrno("stat", directory.native(), errno);
    if (found.st_uid == ::geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
    return fail(ErrorCode::NotPermitted,
                fmt::format("directory {}: another user has made it, or may write to it", directory.native()),
                fmt::format("rm -r {}", directory.native()));
}

}  // namespace

Result<Record> Record::create(const std::filesystem::path& directory, std::string_view nqn) {
    // A name may have any letters, a file's may not.
    std::filesystem::path path = directory / (nvme::formatUuid(nvme::uuidOf(nqn)) + std::string(kSuffix));
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) return failErrno("open", path.native(), errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failErrno("lock", path.native(), errno);
        return fail(ErrorCode::Busy, fmt::format("subsystem {}: another mc-target serves it through the kernel", nqn),
                    "stop that one, or give another name (--local-server-name, or mc-target's --nqn)");
    }
    Record record(path, std::move(file));
    record.made_ = read(path);
    return record;
}

Result<std::optional<Record>> Record::open(const std::filesystem::path& path) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return failErrno("open", path.native(), errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::nullopt;
        return failErrno("lock", path.native(), errno);
    }
    Record record(path, std::move(file));
    record.made_ = read(path);
    return record;
}

std::vector<std::filesystem::path> Record::list(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> paths;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (entry.path().extension() == kSuffix) paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    return paths;
}

Made Record::read(const std::filesystem::path& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Made made;
    // What follows the last newline was cut off.
    for (const std::string& line : split(text.substr(0, text.rfind('\n') + 1), '\n'))
        followLine(split(line, ' '), made);
    return made;
}

void Record::cutOff(std::size_t bytes) {
    struct stat found{};
    const bool done =
        ::fstat(file_.get(), &found) == 0 && ::ftruncate(file_.get(), found.st_size - static_cast<off_t>(bytes)) == 0;
    if (!done)
        log::warning("{}: a part of a line stays in it: {}", path_.native(), std::generic_category().message(errno));
}

Result<void> Record::append(const std::string& line) {
    const std::string text = line + "\n";
    const ssize_t written = ::write(file_.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        const int error = written < 0 ? errno : ENOSPC;
        // Or the next line would be the end of this one, and be lost with it.
        if (written > 0) cutOff(static_cast<std::size_t>(written));
        return failErrno("write", path_.native(), error);
    }
    followLine(split(line, ' '), made_);
    return {};
}

Result<void> Record::addSubsystem(const std::string& nqn, const std::string& serial) {
    return append(fmt::format("+subsystem {} {}", nqn, serial));
}

Result<void> Record::dropSubsystem() {
    return append("-subsystem");
}

Result<void> Record::addAllowed(const std::string& nqn) {
    return append("+allowed " + nqn);
}

Result<void> Record::addHost(const std::string& nqn) {
    return append("+host " + nqn);
}

Result<void> Record::dropHost(const std::string& nqn) {
    return append("-host " + nqn);
}

Result<void> Record::addPort(const Made::Port& port) {
    const PortAddress& address = port.address;
    return append(
        fmt::format("+port {} {} {} {} {}", port.id, address.trtype, address.adrfam, address.traddr, address.trsvcid));
}

Result<void> Record::dropPort(std::uint16_t id) {
    return append(fmt::format("-port {}", id));
}

Result<void> Record::addNamespace(std::uint32_t nsid) {
    return append(fmt::format("+namespace {}", nsid));
}

Result<void> Record::dropNamespace(std::uint32_t nsid) {
    return append(fmt::format("-namespace {}", nsid));
}

void Record::erase() const {
    ::unlink(path_.c_str());
}

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        return failErrno("make directory", directory.native(), errno);
    FileDescriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!descriptor) return failErrno("open", directory.native(), errno);
    if (auto own = expectOwn(directory, descriptor.get()); !own) return std::unexpected(own.error());
    constexpr int kAttempts = 200;
    for (int i = 0; i < kAttempts; ++i) {
        if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return DirectoryLock(std::move(descriptor));
        if (errno != EWOULDBLOCK && errno != EINTR) return failErrno("lock", directory.native(), errno);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fail(ErrorCode::Busy, fmt::format("lock {}: another process holds it", directory.native()));
}

std::filesystem::path recordDirectory() {
    const uid_t user = ::geteuid();
    if (user == 0) return "/run/mc-nvmet";
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes it
    if (const char* const runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0')
        return std::filesystem::path(runtime) / "mc-nvmet";
    return fmt::format("/tmp/mc-nvmet-{}", user);
}

}  // namespace mc::nvmet
