#include "nvme/kernel/target/prerequisites.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "base/text.h"

namespace mc::nvmet {
namespace {

std::string instead(std::string_view backend_option) {
    return fmt::format(
        "boot a kernel that has it (Debian: apt-get install linux-image-amd64), or do without: {}=user serves over tcp",
        backend_option);
}

std::string runningRelease() {
    utsname names{};
    return ::uname(&names) == 0 ? names.release : "";
}

bool isThere(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

// Whether a line of the file has these words, in this order, anywhere but at once.
bool hasLine(const std::filesystem::path& path, std::string_view first, std::string_view second) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string word;
        bool found_first = first.empty();
        while (words >> word) {
            if (found_first && word == second) return true;
            found_first = found_first || word == first;
        }
    }
    return false;
}

// "kernel/drivers/nvme/target/nvmet-tcp.ko.xz: ..." of modules.dep, and the same of modules.builtin without the colon.
bool isInList(const std::filesystem::path& list, std::string_view name) {
    std::ifstream file(list);
    const std::string part = fmt::format("/{}.ko", name);
    for (std::string line; std::getline(file, line);) {
        if (line.substr(0, line.find(':')).find(part) != std::string::npos) return true;
    }
    return false;
}

class Search {
  public:
    Search(std::string_view backend_option, const Places& places)
        : places_(places),
          release_(places.release.empty() ? runningRelease() : places.release),
          instead_(instead(backend_option)) {}

    void configfs() {
        if (isThere(places_.nvmet())) return;
        if (!hasLine(places_.filesystems, "", "configfs")) {
            add(2, ErrorCode::Unavailable, fmt::format("this kernel, {}, has no configfs", release_),
                isLoadable("configfs") ? "modprobe configfs" : instead_);
        } else if (!hasLine(places_.mounts, places_.configfs.native(), "configfs")) {
            add(3, ErrorCode::Config, fmt::format("configfs is not mounted at {}", places_.configfs.native()),
                fmt::format("mount -t configfs configfs {}", places_.configfs.native()));
        }
    }
    // What of a module that was built in shows is its directory.
    void nvmet() {
        if (!isThere(places_.nvmet()) && !isLoaded("nvmet")) module(4, "nvmet", isLoadable("nvmet"));
    }
    // The kernel loads it when a port needs it.
    void fabric(const std::string& trtype) {
        const std::string name = "nvmet-" + trtype;
        if (!isLoaded(name) && !isLoadable(name)) module(5, name, false);
    }
    void rdmaDevice() {
        std::error_code none;
        const auto first = std::filesystem::directory_iterator(places_.rdma_devices, none);
        if (!none && first != std::filesystem::directory_iterator()) return;
        add(6, ErrorCode::Unavailable, "this machine has no RDMA device",
            "rdma link add rxe0 type rxe netdev INTERFACE makes one of an Ethernet interface");
    }
    void right() {
        const std::filesystem::path subsystems = places_.nvmet() / "subsystems";
        const uid_t user = places_.user == static_cast<uid_t>(-1) ? ::geteuid() : places_.user;
        const bool there = isThere(subsystems);
        if (there ? ::faccessat(AT_FDCWD, subsystems.c_str(), W_OK, AT_EACCESS) == 0 : user == 0) return;
        const int number = there ? errno : EACCES;
        findings_.insert(findings_.begin(),
                         {.number = 1,
                          .code = ErrorCode::NotPermitted,
                          .what = number == EROFS ? fmt::format("{} is mounted read-only", places_.configfs.native())
                                                  : fmt::format("user {} may not configure the kernel's target", user),
                          .mend = number == EROFS ? fmt::format("mount -o remount,rw {}", places_.configfs.native())
                                                  : "run it as root (sudo)"});
    }
    std::vector<Finding> take() { return std::move(findings_); }

  private:
    bool isLoaded(std::string name) const {
        std::ranges::replace(name, '-', '_');
        return isThere(places_.loaded_modules / name);
    }
    bool isLoadable(std::string_view name) const {
        const auto directory = places_.modules / release_;
        return isInList(directory / "modules.dep", name) || isInList(directory / "modules.builtin", name);
    }
    void module(int number, const std::string& name, bool loadable) {
        const std::string what = loadable ? fmt::format("module {} is not loaded", name)
                                          : fmt::format("this kernel, {}, has no module {}", release_, name);
        add(number, ErrorCode::Unavailable, what, loadable ? "modprobe " + name : instead_);
    }
    void add(int number, ErrorCode code, std::string what, std::string mend) {
        findings_.push_back({.number = number, .code = code, .what = std::move(what), .mend = std::move(mend)});
    }

    const Places& places_;
    const std::string release_;
    const std::string instead_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> findMissing(const std::string& trtype, std::string_view backend_option, const Places& places) {
    Search search(backend_option, places);
    search.configfs();
    search.nvmet();
    search.fabric(trtype);
    if (trtype == "rdma") search.rdmaDevice();
    search.right();
    return search.take();
}

std::vector<Finding> findOutOfReach(const Places& places) {
    Search search({}, places);
    if (isThere(places.loaded_modules / "nvmet")) search.configfs();
    search.right();
    return search.take();
}

Finding withoutAuthentication(std::string_view backend_option) {
    return {.number = 7,
            .code = ErrorCode::Unavailable,
            .what = "this kernel's target has no DH-HMAC-CHAP (CONFIG_NVME_TARGET_AUTH)",
            .mend = instead(backend_option)};
}

Error toError(const std::vector<Finding>& findings) {
    std::vector<std::string> whats;
    std::vector<std::string> mends;
    for (const Finding& finding : findings) {
        whats.push_back(fmt::format("finding {}: {}", finding.number, finding.what));
        if (std::ranges::find(mends, finding.mend) == mends.end()) mends.push_back(finding.mend);
    }
    return {.code = findings.front().code,
            .message = "the kernel's NVMe target can't be used: " + join(whats, "; "),
            .hint = join(mends, "; ") + " (mc-target(1) lists the findings)"};
}

}  // namespace mc::nvmet
