#include "mount/fuse_server.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fmt/format.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/errors.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "mount/cache_forgetter.h"
#include "mount/fuse_checks.h"
#include "mount/fuse_directory.h"
#include "mount/fuse_opens.h"
#include "mount/mount_table.h"
#include "mount/unmount.h"

namespace mc::mount {
namespace {

constexpr std::size_t kMostData = std::size_t{1} << 20;  // Of a request; what the kernel sends at most by default.
// The kernel cuts larger reads into these, all under way at once: while one is answered the next one comes. Smaller
// ones cost more than that gains.
constexpr unsigned kMostRead = kMostData / 2;
constexpr std::size_t kPage = 4096;
// What stands before the data of a write: struct fuse_in_header and struct fuse_write_in. The data begins with a page.
constexpr std::size_t kWriteHeader = 80;
constexpr std::size_t kSlot = kPage + kMostData;
// Sizes don't change, and times only by what goes through this machine's kernel; but a target that comes back may let
// others of its files be written.
constexpr double kNamesLast = 3600;
constexpr double kAttributesLast = 1;
constexpr std::chrono::seconds kPatience{10};            // With the kernel's first request.
constexpr std::chrono::milliseconds kLastRequests{500};  // Of whoever still has something open.

/// Of the thread that serves: where data lies, or goes through, and which request is answered.
struct Serving {
    std::span<std::byte> data;
    io::PageReceiver* pages = nullptr;
    std::uint64_t unique = 0;
    bool abandoned = false;  // What it waited for may still fill the data, or send it.
};
thread_local Serving serving;
/// Of the thread that mounts: what libfuse says.
thread_local std::string* told_by_libfuse = nullptr;

void takeLibfuseMessage(enum fuse_log_level level, const char* format, va_list arguments) {
    std::array<char, 512> text{};
    (void)std::vsnprintf(text.data(), text.size(), format, arguments);
    if (told_by_libfuse != nullptr) *told_by_libfuse += text.data();
    if (level <= FUSE_LOG_DEBUG) log::debug("libfuse: {}", printable(text.data()));
}

struct SessionDeleter {
    void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using Session = std::unique_ptr<fuse_session, SessionDeleter>;

std::string mountOptions(const FuseOptions& options) {
    std::string source = options.source;
    std::ranges::replace_if(source, [](char letter) { return letter == ',' || letter == '\\'; }, '_');
    return fmt::format("fsname={},subtype=mc-mount,default_permissions,max_read={}{}{}", source, kMostRead,
                       options.read_only ? ",ro" : "", options.allow_other ? ",allow_other" : "");
}

// Reads in order are asked for in pieces of kMostRead, of which four are under way; of the usual 128 KiB, each costs as
// much. Only root may set it.
constexpr std::size_t kReadAhead = 2 * kMostData;

void raiseReadAhead(const std::string& device) {
    std::ofstream setting(fmt::format("/sys/class/bdi/{}/read_ahead_kb", device));
    setting << (kReadAhead >> 10U) << std::flush;
}

/// What is seen at the directory: "0:45"; empty where nothing is mounted.
std::string deviceAt(const std::string& directory) {
    const auto mounts = mountPoints();
    const auto mounted = mounts ? mountAt(*mounts, directory) : std::nullopt;
    return mounted ? mounted->device : std::string();
}

class Server final : public FuseServer {
  public:
    Server(const FuseOptions& options, RemoteFiles& remote)
        : options_(options),
          remote_(remote),
          directory_(options, remote),
          opens_(remote.files().size(), options.kernel_cache),
          stop_(::eventfd(0, EFD_CLOEXEC)),
          forgetter_([this](const CacheForgetter::Range& range) { forget(range); }) {}
    ~Server() override;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Result<void> start();
    bool waitUntilUnmounted(const std::stop_token& stop) override;

  private:
    static Server& of(fuse_req_t request) { return *static_cast<Server*>(fuse_req_userdata(request)); }
    static fuse_lowlevel_ops operations();
    static void onInit(void* server, fuse_conn_info* connection);
    static void onLookup(fuse_req_t request, fuse_ino_t parent, const char* name);
    static void onAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file);
    static void onSetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int what,
                                fuse_file_info* file);
    static void onOpen(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file);
    static void onRelease(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file);
    static void onRead(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* file);
    static void onWrite(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
                        fuse_file_info* file);
    static void onSync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* file);
    static void onAllocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
                           fuse_file_info* file);
    static void onReadDirectory(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset,
                                fuse_file_info* file);
    static void onStatistics(fuse_req_t request, fuse_ino_t inode);

    Result<void> mountSession();
    void serve(unsigned number);
    bool serveOne(std::span<std::byte> slot);
    static void abandonIf(int error);
    static bool beginPages(std::size_t length);
    void replyPages(fuse_req_t request, io::PageReceiver& pages) const;
    std::size_t indexOf(const MountedFile& file) const {
        return static_cast<std::size_t>(&file - remote_.files().data());
    }
    void close(std::uint64_t inode, std::uint64_t handle);
    void forget(const CacheForgetter::Range& range);
    void ended();
    bool isMounted();
    void unmountNow();

    const FuseOptions options_;
    RemoteFiles& remote_;
    FuseDirectory directory_;
    FuseOpens opens_;
    const FileDescriptor stop_;
    Session session_;
    std::string device_;        // Of the mount: "0:45".
    CacheForgetter forgetter_;  // After the session, which it uses.
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool initialized_ = false;  // Both guarded by mutex_.
    bool ended_ = false;
    std::vector<std::jthread> threads_;
};

Server::~Server() {
    if (isMounted()) unmountNow();
    remote_.stop();
    forgetter_.finish();  // While reads are still answered.
    (void)::eventfd_write(stop_.get(), 1);
    threads_.clear();
    // Only what is off already: it takes off whatever is mounted there now.
    if (ended_) fuse_session_unmount(session_.get());
}

void Server::unmountNow() {
    const std::string seen = deviceAt(options_.directory);
    if (!device_.empty() && !seen.empty() && seen != device_) {
        log::warning("{}: something else is mounted over it, and stays", printable(options_.directory));
    } else if (const auto done = unmount(options_.directory, Unmounting::Lazy, SteadyClock::now() + kPatience);
               !done && done.error().code != ErrorCode::NotFound) {
        log::warning("{}", done.error().message);
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLastRequests, [this] { return ended_; });
}

bool Server::isMounted() {
    const std::lock_guard lock(mutex_);
    return !threads_.empty() && !ended_;
}

Result<void> Server::start() {
    if (!stop_) return failErrno("eventfd", "", errno);
    if (auto mounted = mountSession(); !mounted) return mounted;
    for (unsigned number = 0; number < options_.threads; ++number)
        threads_.emplace_back([this, number] { serve(number); });
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return initialized_ || ended_; }) || !initialized_) {
        return fail(ErrorCode::System,
                    fmt::format("mount {}: the kernel does not use it", printable(options_.directory)));
    }
    device_ = deviceAt(options_.directory);
    raiseReadAhead(device_);
    return {};
}

Result<void> Server::mountSession() {
    const std::string mount_options = mountOptions(options_);
    std::array<std::string, 3> words{"mc-mount", "-o", mount_options};
    std::array<char*, 3> arguments{words[0].data(), words[1].data(), words[2].data()};
    fuse_args given = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
    const fuse_lowlevel_ops all = operations();
    std::string told;
    told_by_libfuse = &told;
    session_.reset(fuse_session_new(&given, &all, sizeof all, this));
    const bool mounted = session_ && fuse_session_mount(session_.get(), options_.directory.c_str()) == 0;
    told_by_libfuse = nullptr;
    fuse_opt_free_args(&given);
    if (!mounted) {
        const std::string why = told.empty() ? "fusermount3 refused" : split(told, '\n')[0];
        return fail(ErrorCode::NotPermitted, fmt::format("mount {}: {}", printable(options_.directory), printable(why)),
                    "in a container: --device=/dev/fuse --cap-add=SYS_ADMIN, and perhaps "
                    "--security-opt=apparmor=unconfined");
    }
    const int device = fuse_session_fd(session_.get());
    if (::fcntl(device, F_SETFL, ::fcntl(device, F_GETFL) | O_NONBLOCK) != 0)
        return failErrno("fcntl", "/dev/fuse", errno);
    return {};
}

void Server::serve(unsigned number) {
    nameThisThread(fmt::format("mc-mount{}", number));
    auto slot = remote_.memory().subspan(number * kSlot, kSlot);
    std::vector<std::byte> other;
    serving = {.data = slot.subspan(kPage), .pages = &remote_.pages()[number]};
    const FileDescriptor ready(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event request{.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.fd = fuse_session_fd(session_.get())}};
    epoll_event stop{.events = EPOLLIN, .data = {.fd = stop_.get()}};
    if (::epoll_ctl(ready.get(), EPOLL_CTL_ADD, request.data.fd, &request) != 0 ||
        ::epoll_ctl(ready.get(), EPOLL_CTL_ADD, stop_.get(), &stop) != 0) {
        log::error("{}", systemError("epoll", "/dev/fuse", errno).message);
        return ended();
    }
    for (;;) {
        epoll_event seen{};
        if (::epoll_wait(ready.get(), &seen, 1, -1) != 1) continue;
        if (seen.data.fd == stop_.get()) return;
        while (serveOne(slot)) {
            if (!serving.abandoned) continue;
            other.resize(kSlot);
            slot = other;
            serving = {.data = slot.subspan(kPage)};
        }
        const std::lock_guard lock(mutex_);
        if (ended_) return;
    }
}

// False: there is none now, or never again.
bool Server::serveOne(std::span<std::byte> slot) {
    const auto request = slot.subspan(kPage - kWriteHeader);
    const ssize_t got = ::read(fuse_session_fd(session_.get()), request.data(), request.size());
    if (got < 0) {
        if (errno == EINTR || errno == ENOENT) return true;  // It was interrupted before it got here.
        if (errno != EAGAIN) ended();
        return false;
    }
    std::memcpy(&serving.unique, request.data() + offsetof(fuse_in_header, unique), sizeof(serving.unique));
    const fuse_buf buffer{
        .size = static_cast<std::size_t>(got), .flags = {}, .mem = request.data(), .fd = -1, .pos = 0};
    fuse_session_process_buf(session_.get(), &buffer);
    return true;
}

// Nothing is transferred any more, but it is not over.
void Server::abandonIf(int error) {
    if (error == ESHUTDOWN) serving.abandoned = true;
}

void Server::ended() {
    (void)::eventfd_write(stop_.get(), 1);
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

bool Server::waitUntilUnmounted(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, stop, [this] { return ended_; });
}

// --- Requests ---

void Server::onInit(void* server, fuse_conn_info* connection) {
    connection->max_write = kMostData;
    connection->max_read = kMostRead;
    connection->max_background = static_cast<unsigned>(2 * static_cast<Server*>(server)->options_.threads);
    connection->congestion_threshold = connection->max_background;
    connection->want |= connection->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO);
    // O_TRUNC that came with open would have the kernel take the size for 0 until it asks again.
    connection->want &=
        ~static_cast<unsigned>(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE);
    auto& self = *static_cast<Server*>(server);
    const std::lock_guard lock(self.mutex_);
    self.initialized_ = true;
    self.changed_.notify_all();
}

void Server::onLookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const FuseDirectory& directory = of(request).directory_;
    fuse_entry_param entry{};
    entry.ino = parent == FuseDirectory::kRoot ? directory.find(name) : 0;
    if (entry.ino == 0 || !directory.describe(entry.ino, entry.attr)) {
        (void)fuse_reply_err(request, ENOENT);
        return;
    }
    entry.attr_timeout = kAttributesLast;
    entry.entry_timeout = kNamesLast;
    (void)fuse_reply_entry(request, &entry);
}

void Server::onAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
    struct stat facts{};
    if (!of(request).directory_.describe(inode, facts)) {
        (void)fuse_reply_err(request, ENOENT);
    } else {
        (void)fuse_reply_attr(request, &facts, kAttributesLast);
    }
}

void Server::onSetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int what,
                             fuse_file_info* file) {
    Server& server = of(request);
    struct stat facts{};
    if (!server.directory_.describe(inode, facts)) {
        (void)fuse_reply_err(request, ENOENT);
        return;
    }
    // O_TRUNC: from whoever has just opened it, and without what was opened, unlike ftruncate(2).
    const MountedFile* const of_target = server.directory_.file(inode);
    const bool opens = wanted->st_size == 0 && file == nullptr && of_target != nullptr &&
                       server.opens_.writes(server.indexOf(*of_target), fuse_req_ctx(request)->pid);
    const bool resizes = (what & FUSE_SET_ATTR_SIZE) != 0 && wanted->st_size != facts.st_size && !opens;
    constexpr int kRights = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
    if (resizes || (what & kRights) != 0) {
        (void)fuse_reply_err(request, EPERM);
    } else {
        (void)fuse_reply_attr(request, &facts, kAttributesLast);
    }
}

void Server::onOpen(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
    Server& server = of(request);
    if (inode == FuseDirectory::kStatus) {
        file->fh = server.directory_.openStatus();
        file->direct_io = 1;
    } else if (const MountedFile* const opened = server.directory_.file(inode); opened == nullptr) {
        (void)fuse_reply_err(request, EISDIR);
        return;
    } else if ((file->flags & O_ACCMODE) != O_RDONLY && server.remote_.isReadOnly(*opened)) {
        (void)fuse_reply_err(request, EROFS);
        return;
    } else {
        const auto open = server.opens_.open(server.indexOf(*opened), file->flags, fuse_req_ctx(request)->pid);
        file->fh = open.handle;
        file->direct_io = open.past_cache ? 1 : 0;
    }
    // Whoever was interrupted will not release it.
    if (fuse_reply_open(request, file) == -ENOENT) server.close(inode, file->fh);
}

void Server::close(std::uint64_t inode, std::uint64_t handle) {
    if (inode == FuseDirectory::kStatus) {
        directory_.closeStatus(handle);
    } else {
        opens_.close(handle);
    }
}

void Server::onRelease(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
    of(request).close(inode, file->fh);
    (void)fuse_reply_err(request, 0);
}

void Server::onRead(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info) {
    Server& server = of(request);
    const auto begin = static_cast<std::uint64_t>(offset);
    if (inode == FuseDirectory::kStatus) {
        const std::string text = server.directory_.status(info->fh);
        const auto rest = std::span(text).subspan(std::min<std::size_t>(begin, text.size()));
        const auto part = rest.first(std::min(size, rest.size()));
        (void)fuse_reply_buf(request, part.data(), part.size());
        return;
    }
    const MountedFile& file = *server.directory_.file(inode);
    const std::size_t length = begin >= file.size ? 0 : std::min({size, kMostData, file.size - begin});
    const auto data = serving.data.first(length);
    io::PageReceiver* const pages = beginPages(length) ? serving.pages : nullptr;
    const int error = length == 0 ? 0 : server.remote_.read(file, begin, data, pages);
    abandonIf(error);
    if (error != 0) {
        (void)fuse_reply_err(request, error);
    } else if (pages != nullptr && pages->received() == length) {
        server.replyPages(request, *pages);
    } else {
        (void)fuse_reply_buf(request, reinterpret_cast<const char*>(data.data()), data.size());
    }
}

// The answer to a read of that length can go without a copy.
bool Server::beginPages(std::size_t length) {
    if (serving.pages == nullptr || length < io::PageReceiver::kLeast) return false;
    const fuse_out_header head{
        .len = static_cast<std::uint32_t>(sizeof(head) + length), .error = 0, .unique = serving.unique};
    return serving.pages->begin(std::as_bytes(std::span(&head, 1)));
}

// As libfuse would, which has no call for it without a second pipe and a copy of small pieces.
void Server::replyPages(fuse_req_t request, io::PageReceiver& pages) const {
    if (pages.sendTo(fuse_session_fd(session_.get())) < 0 && errno != ENOENT) {
        (void)fuse_reply_err(request, EIO);
    } else {
        fuse_reply_none(request);  // Answered, or interrupted.
    }
}

void Server::onWrite(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
                     fuse_file_info* info) {
    Server& server = of(request);
    const MountedFile* const file = server.directory_.file(inode);
    const auto begin = static_cast<std::uint64_t>(offset);
    if (file == nullptr || begin >= file->size) {
        (void)fuse_reply_err(request, file == nullptr ? EBADF : ENOSPC);
        return;
    }
    // As far as there is room, as block devices do.
    const std::size_t length = std::min(size, file->size - begin);
    // It lies in this thread's slot; it was read there.
    const std::span bytes(reinterpret_cast<std::byte*>(const_cast<char*>(data)), length);
    const int error = server.remote_.write(*file, begin, bytes);
    abandonIf(error);
    if (error != 0) {
        (void)fuse_reply_err(request, error);
        return;
    }
    server.directory_.noteWrite(inode);
    if (info->writepage == 0 && FuseOpens::isPastCache(info->fh) && server.opens_.isCached(server.indexOf(*file))) {
        server.forgetter_.add({.inode = inode, .offset = begin, .length = length},
                              [request, length] { (void)fuse_reply_write(request, length); });
    } else {
        (void)fuse_reply_write(request, length);
    }
}

void Server::forget(const CacheForgetter::Range& range) {
    (void)fuse_lowlevel_notify_inval_inode(session_.get(), range.inode, static_cast<off_t>(range.offset),
                                           static_cast<off_t>(range.length));
}

void Server::onSync(fuse_req_t request, fuse_ino_t inode, int /*data_only*/, fuse_file_info* /*info*/) {
    Server& server = of(request);
    const MountedFile* const file = server.directory_.file(inode);
    (void)fuse_reply_err(request, file == nullptr ? 0 : server.remote_.flush(*file));
}

// All of a file is there; what would add to it finds no room.
void Server::onAllocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
                        fuse_file_info* /*info*/) {
    const MountedFile* const file = of(request).directory_.file(inode);
    if (file == nullptr || (mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
        (void)fuse_reply_err(request, EOPNOTSUPP);
        return;
    }
    const bool fits = static_cast<std::uint64_t>(offset) <= file->size &&
                      static_cast<std::uint64_t>(length) <= file->size - static_cast<std::uint64_t>(offset);
    (void)fuse_reply_err(request, fits ? 0 : ENOSPC);
}

void Server::onReadDirectory(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset,
                             fuse_file_info* /*info*/) {
    const Server& server = of(request);
    if (inode != FuseDirectory::kRoot) {
        (void)fuse_reply_err(request, ENOTDIR);
        return;
    }
    std::vector<std::string> names{".", ".."};
    for (const MountedFile& file : server.remote_.files())
        names.push_back(file.name);
    std::vector<char> listing(std::min(size, kMostData));
    std::size_t used = 0;
    for (auto index = static_cast<std::size_t>(offset); index < names.size(); ++index) {
        struct stat facts{};
        const std::uint64_t found = index < 2 ? FuseDirectory::kRoot : server.directory_.find(names[index]);
        (void)server.directory_.describe(found, facts);
        const std::size_t needed = fuse_add_direntry(request, listing.data() + used, listing.size() - used,
                                                     names[index].c_str(), &facts, static_cast<off_t>(index + 1));
        if (needed > listing.size() - used) break;
        used += needed;
    }
    (void)fuse_reply_buf(request, listing.data(), used);
}

void Server::onStatistics(fuse_req_t request, fuse_ino_t /*inode*/) {
    const Server& server = of(request);
    struct statvfs facts{};
    facts.f_bsize = facts.f_frsize = kPage;
    facts.f_blocks = (server.directory_.size() + kPage - 1) / kPage;
    facts.f_files = server.remote_.files().size();
    facts.f_namemax = 255;
    (void)fuse_reply_statfs(request, &facts);
}

fuse_lowlevel_ops Server::operations() {
    fuse_lowlevel_ops all{};
    all.init = onInit;
    all.lookup = onLookup;
    all.getattr = onAttributes;
    all.setattr = onSetAttributes;
    all.open = onOpen;
    all.release = onRelease;
    all.read = onRead;
    all.write = onWrite;
    all.fsync = onSync;
    all.fallocate = onAllocate;
    all.readdir = onReadDirectory;
    all.statfs = onStatistics;
    // Files come and go at the target only.
    all.mknod = [](fuse_req_t request, fuse_ino_t, const char*, mode_t, dev_t) {
        (void)fuse_reply_err(request, EPERM);
    };
    all.create = [](fuse_req_t request, fuse_ino_t, const char*, mode_t, fuse_file_info*) {
        (void)fuse_reply_err(request, EPERM);
    };
    all.mkdir = [](fuse_req_t request, fuse_ino_t, const char*, mode_t) { (void)fuse_reply_err(request, EPERM); };
    all.unlink = [](fuse_req_t request, fuse_ino_t, const char*) { (void)fuse_reply_err(request, EPERM); };
    all.rmdir = all.unlink;
    all.symlink = [](fuse_req_t request, const char*, fuse_ino_t, const char*) {
        (void)fuse_reply_err(request, EPERM);
    };
    all.rename = [](fuse_req_t request, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned) {
        (void)fuse_reply_err(request, EPERM);
    };
    all.link = [](fuse_req_t request, fuse_ino_t, fuse_ino_t, const char*) { (void)fuse_reply_err(request, EPERM); };
    return all;
}

}  // namespace

bool fuseIsBuiltIn() {
    return true;
}

std::size_t fuseMemorySize(unsigned threads) {
    return threads * kSlot;
}

Result<std::unique_ptr<FuseServer>> FuseServer::mount(const FuseOptions& options, RemoteFiles& remote) {
    if (auto checked = checkFuse(options); !checked) return std::unexpected(checked.error());
    fuse_set_log_func(takeLibfuseMessage);
    auto server = std::make_unique<Server>(options, remote);
    if (auto started = server->start(); !started) return std::unexpected(started.error());
    return server;
}

}  // namespace mc::mount
