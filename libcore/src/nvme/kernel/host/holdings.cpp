#include "nvme/kernel/host/holdings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/errors.h"
#include "base/text.h"

namespace mc::nvme::kernel {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProcess = "process";
constexpr std::string_view kLasting = "lasting";

std::string bootId() {
    return firstLineOf("/proc/sys/kernel/random/boot_id");
}

// When a process began, in the kernel's ticks: its number alone may be another's by now. Empty for one that has ended.
std::string beginningOf(const std::string& process) {
    const std::string stat = firstLineOf(fs::path("/proc") / process / "stat");
    const auto name_end = stat.rfind(") ");  // The name may have blanks itself.
    if (name_end == std::string::npos) return {};
    std::istringstream fields(stat.substr(name_end + 2));
    constexpr int kStartTime = 20;  // Field 22, of which two are before.
    std::string field;
    for (int i = 0; i < kStartTime; ++i) {
        fields >> field;
        if (i == 0 && (field == "Z" || field == "X")) return {};
    }
    return field;
}

Result<void> makeDirectory(const fs::path& directory) {
    if (::mkdir(directory.c_str(), S_IRWXU) == 0) return {};
    if (errno != EEXIST) return failErrno("make directory", directory.native(), errno);
    struct stat found{};
    const bool own = ::lstat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() &&
                     (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (own) return {};
    return fail(ErrorCode::NotPermitted,
                fmt::format("directory {}: another user has made it, or may write to it", directory.native()),
                "remove it");
}

Result<FileDescriptor> lock(const fs::path& directory, Deadline deadline) {
    FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return failErrno("open", directory.native(), errno);
    while (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return failErrno("lock", directory.native(), errno);
        if (deadline && SteadyClock::now() >= *deadline) {
            return fail(ErrorCode::Busy,
                        fmt::format("lock {}: another process is connecting the kernel", directory.native()));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return opened;
}

// "boot ID", "identity NUMBER", then a line for each holder. Nothing for what was written before this boot.
std::optional<Holding> readHolding(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line) || line != "boot " + bootId()) return std::nullopt;
    Holding holding{.controller = path.filename().string(), .identity = 0, .holders = {}};
    std::string word;
    if (!std::getline(file, line) || !(std::istringstream(line) >> word >> holding.identity) || word != "identity")
        return std::nullopt;
    while (std::getline(file, line)) {
        if (!line.empty()) holding.holders.emplace_back(line);
    }
    return holding;
}

}  // namespace

Holder Holder::process(unsigned number) {
    const std::string process = std::to_string(::getpid());
    return Holder(fmt::format("{} {} {} {}", kProcess, process, beginningOf(process), number));
}

Holder Holder::lasting(std::string_view name) {
    return Holder(fmt::format("{} {}", kLasting, printable(name)));
}

bool Holder::lives() const {
    std::istringstream words(text_);
    std::string kind;
    std::string process;
    std::string beginning;
    words >> kind >> process >> beginning;
    return kind != kProcess || (!beginning.empty() && beginningOf(process) == beginning);
}

Result<Holdings> Holdings::open(const fs::path& directory, Deadline deadline) {
    if (auto made = makeDirectory(directory); !made) return std::unexpected(made.error());
    auto locked = lock(directory, deadline);
    if (!locked) return std::unexpected(locked.error());
    Holdings holdings(directory, std::move(*locked));
    holdings.read();
    return holdings;
}

void Holdings::read() {
    std::error_code failure;
    for (fs::directory_iterator it(directory_, failure), end; !failure && it != end; it.increment(failure)) {
        if (it->path().extension() == ".new") continue;
        if (auto holding = readHolding(it->path())) all_.push_back(std::move(*holding));
    }
}

const Holding* Holdings::find(const ControllerEntry& controller) const {
    const auto found = std::ranges::find_if(all_, [&](const Holding& holding) { return holding.is(controller); });
    return found == all_.end() ? nullptr : &*found;
}

Result<void> Holdings::put(Holding holding) {
    const fs::path path = directory_ / holding.controller;
    const fs::path draft = path.native() + ".new";
    {
        std::ofstream file(draft, std::ios::trunc);
        file << "boot " << bootId() << "\nidentity " << holding.identity << '\n';
        for (const Holder& holder : holding.holders)
            file << holder.text() << '\n';
        errno = 0;
        file.flush();
        if (!file) {
            const int error = errno == 0 ? EIO : errno;
            ::unlink(draft.c_str());
            return failErrno("write", draft.native(), error);
        }
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) return failErrno("rename", draft.native(), errno);
    std::erase_if(all_, [&](const Holding& other) { return other.controller == holding.controller; });
    all_.push_back(std::move(holding));
    return {};
}

void Holdings::remove(const std::string& controller) {
    ::unlink((directory_ / controller).c_str());
    std::erase_if(all_, [&](const Holding& other) { return other.controller == controller; });
}

}  // namespace mc::nvme::kernel
