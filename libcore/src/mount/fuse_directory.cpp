#include "mount/fuse_directory.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/json.h"

namespace mc::mount {
namespace {

constexpr std::uint64_t kFirstFile = 3;
constexpr off_t kStatusSize = 4096;  // More than it has, as in sysfs: sendfile(2) believes that an empty file is empty.
constexpr std::int64_t kNanoseconds = 1'000'000'000;

// Who may use the files at all is decided by allow_other.
std::uint32_t modeOf(const FuseOptions& options) {
    const std::uint32_t who = options.allow_other ? S_IRUSR | S_IRGRP | S_IROTH : S_IRUSR;
    return options.read_only ? who : who | (who >> 1U);
}

timespec now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

}  // namespace

FuseDirectory::FuseDirectory(const FuseOptions& options, RemoteFiles& remote)
    : remote_(remote),
      source_(options.source),
      file_mode_(modeOf(options)),
      user_(::geteuid()),
      group_(::getegid()),
      mounted_(now()),
      written_(remote.files().size()) {
    for (auto& written : written_)
        written = (mounted_.tv_sec * kNanoseconds) + mounted_.tv_nsec;
}

std::uint64_t FuseDirectory::find(std::string_view name) const {
    if (name == kStatusFileName) return kStatus;
    const auto& files = remote_.files();
    const auto found = std::ranges::find(files, name, &MountedFile::name);
    return found == files.end() ? 0 : kFirstFile + static_cast<std::uint64_t>(found - files.begin());
}

const MountedFile* FuseDirectory::file(std::uint64_t inode) const {
    const auto& files = remote_.files();
    if (inode < kFirstFile || inode - kFirstFile >= files.size()) return nullptr;
    return &files[inode - kFirstFile];
}

bool FuseDirectory::describe(std::uint64_t inode, struct stat& facts) const {
    facts = {};
    facts.st_ino = inode;
    facts.st_uid = user_;
    facts.st_gid = group_;
    facts.st_nlink = 1;
    facts.st_atim = facts.st_mtim = facts.st_ctim = mounted_;
    if (inode == kRoot) {
        facts.st_mode = S_IFDIR | S_IRUSR | S_IXUSR | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
        facts.st_nlink = 2;
        return true;
    }
    if (inode == kStatus) {
        facts.st_mode = S_IFREG | S_IRUSR | S_IRGRP | S_IROTH;
        facts.st_size = kStatusSize;
        return true;
    }
    const MountedFile* const found = file(inode);
    if (found == nullptr) return false;
    constexpr std::uint64_t kBlock = 512;
    const std::int64_t written = written_[inode - kFirstFile].load(std::memory_order_relaxed);
    constexpr std::uint32_t kMayWrite = S_IWUSR | S_IWGRP | S_IWOTH;
    facts.st_mode = S_IFREG | (remote_.isReadOnly(*found) ? file_mode_ & ~kMayWrite : file_mode_);
    facts.st_size = static_cast<off_t>(found->size);
    facts.st_blocks = static_cast<blkcnt_t>((found->size + kBlock - 1) / kBlock);
    facts.st_mtim = facts.st_ctim = {.tv_sec = written / kNanoseconds, .tv_nsec = written % kNanoseconds};
    return true;
}

void FuseDirectory::noteWrite(std::uint64_t inode) {
    const timespec time = now();
    written_[inode - kFirstFile].store((time.tv_sec * kNanoseconds) + time.tv_nsec, std::memory_order_relaxed);
}

std::uint64_t FuseDirectory::openStatus() {
    std::string text = describeState();
    const std::lock_guard lock(mutex_);
    statuses_[next_status_] = std::move(text);
    return next_status_++;
}

std::string FuseDirectory::status(std::uint64_t handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = statuses_.find(handle);
    return found == statuses_.end() ? std::string{} : found->second;
}

void FuseDirectory::closeStatus(std::uint64_t handle) {
    const std::lock_guard lock(mutex_);
    statuses_.erase(handle);
}

std::uint64_t FuseDirectory::size() const {
    std::uint64_t total = 0;
    for (const MountedFile& file : remote_.files())
        total += file.size;
    return total;
}

std::string FuseDirectory::describeState() const {
    const auto counters = remote_.counters();
    const std::string problem = remote_.problem();
    const Json state{{"schema_version", 1},
                     {"source", source_},
                     {"pid", static_cast<std::int64_t>(::getpid())},
                     {"reachable", problem.empty()},
                     {"problem", problem.empty() ? Json(nullptr) : Json(problem)},
                     {"bytes_read", counters.bytes_read},
                     {"bytes_written", counters.bytes_written},
                     {"flushes", counters.flushes},
                     {"failed_requests", counters.failed}};
    return state.line();
}

}  // namespace mc::mount
