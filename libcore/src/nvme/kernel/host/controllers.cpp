#include "nvme/kernel/host/controllers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/errors.h"
#include "base/fd.h"
#include "base/text.h"

namespace mc::nvme::kernel {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSector = 512;  // Of the attribute `size`, whatever the device's blocks.

fs::path controllersOf(const KernelPaths& paths) {
    return paths.sys / "class" / "nvme";
}

std::optional<std::uint64_t> number(const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> numberIn(const fs::path& path) {
    return number(firstLineOf(path));
}

// Takes digits after `letter` off the beginning.
bool takeNumber(std::string_view& text, std::string_view before) {
    if (!text.starts_with(before)) return false;
    text.remove_prefix(before.size());
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    return digits > 0;
}

// The block device of "nvme0n1", or of the path "nvme0c2n1" to it; empty for what is no namespace.
std::string deviceOf(std::string_view name) {
    std::string_view rest = name;
    if (!takeNumber(rest, "nvme")) return {};
    std::string device(name.substr(0, name.size() - rest.size()));
    if (rest.starts_with('c') && !takeNumber(rest, "c")) return {};
    device += rest;
    return takeNumber(rest, "n") && rest.empty() ? device : std::string();
}

dev_t deviceNumber(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos) return 0;
    const auto major = number(text.substr(0, colon));
    const auto minor = number(text.substr(colon + 1));
    return major && minor ? ::makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor)) : 0;
}

// "traddr=10.0.0.2,trsvcid=4420,src_addr=10.0.0.1"
std::string partOf(const std::string& address, std::string_view key) {
    for (const auto& part : split(address, ',')) {
        if (part.starts_with(key) && part.size() > key.size() && part[key.size()] == '=')
            return part.substr(key.size() + 1);
    }
    return {};
}

template <typename Visit>
void forEachIn(const fs::path& directory, Visit visit) {
    std::error_code failure;
    for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
        visit(it->path().filename().string());
}

}  // namespace

std::string usualAddress(std::string_view address) {
    const auto scope = std::min(address.find('%'), address.size());
    const std::string plain(address.substr(0, scope));
    for (const int family : {AF_INET, AF_INET6}) {
        std::array<std::byte, sizeof(in6_addr)> binary{};
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (::inet_pton(family, plain.c_str(), binary.data()) == 1 &&
            ::inet_ntop(family, binary.data(), text.data(), text.size()) != nullptr)
            return text.data() + std::string(address.substr(scope));
    }
    return std::string(address);
}

std::optional<ControllerEntry> readController(const KernelPaths& paths, const std::string& name) {
    const fs::path directory = controllersOf(paths) / name;
    struct stat found{};
    if (::stat(directory.c_str(), &found) != 0) return std::nullopt;
    const std::string address = firstLineOf(directory / "address");
    return ControllerEntry{.name = name,
                           .identity = found.st_ino,
                           .transport = toLower(firstLineOf(directory / "transport")),
                           .traddr = usualAddress(partOf(address, "traddr")),
                           .trsvcid = partOf(address, "trsvcid"),
                           .subsystem_nqn = firstLineOf(directory / "subsysnqn"),
                           .host_nqn = firstLineOf(directory / "hostnqn"),
                           .host_id = firstLineOf(directory / "hostid"),
                           .state = firstLineOf(directory / "state")};
}

std::vector<ControllerEntry> listControllers(const KernelPaths& paths) {
    std::vector<ControllerEntry> controllers;
    forEachIn(controllersOf(paths), [&](const std::string& name) {
        if (auto entry = readController(paths, name)) controllers.push_back(std::move(*entry));
    });
    std::ranges::sort(controllers, {}, [](const ControllerEntry& entry) {
        return std::pair(entry.name.size(), entry.name);  // nvme9 before nvme10.
    });
    return controllers;
}

std::vector<NamespaceEntry> listNamespaces(const KernelPaths& paths, const std::string& controller) {
    std::vector<NamespaceEntry> namespaces;
    const fs::path directory = controllersOf(paths) / controller;
    forEachIn(directory, [&](const std::string& name) {
        const std::string device = deviceOf(name);
        const auto nsid = numberIn(directory / name / "nsid");
        if (device.empty() || !nsid) return;
        const fs::path block = paths.sys / "class" / "block" / device;
        const auto sectors = numberIn(block / "size");
        const auto block_size = numberIn(block / "queue" / "logical_block_size");
        namespaces.push_back({.nsid = static_cast<std::uint32_t>(*nsid),
                              .device = device,
                              .path = (paths.dev / device).string(),
                              .number = deviceNumber(firstLineOf(block / "dev")),
                              .size = sectors.value_or(0) * kSector,
                              .block_size = static_cast<std::uint32_t>(block_size.value_or(kSector)),
                              .read_only = numberIn(block / "ro").value_or(0) != 0});
    });
    std::ranges::sort(namespaces, {}, &NamespaceEntry::nsid);
    return namespaces;
}

std::string namespaceIdentity(const KernelPaths& paths, const std::string& device) {
    return firstLineOf(paths.sys / "class" / "block" / device / "wwid");
}

Result<void> trigger(const KernelPaths& paths, const ControllerEntry& controller, const char* attribute) {
    const std::string path = controllersOf(paths) / controller.name;
    const auto gone = [&] {
        return fail(ErrorCode::NotFound, fmt::format("controller {}: has gone", controller.name));
    };
    // The open directory stays that controller's, even if another one is given its name meanwhile.
    const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat found{};
    if (!directory || ::fstat(directory.get(), &found) != 0 || found.st_ino != controller.identity) return gone();
    const FileDescriptor file(::openat(directory.get(), attribute, O_WRONLY | O_CLOEXEC));
    if (!file && (errno == ENOENT || errno == ENODEV)) return gone();
    if (!file || ::write(file.get(), "1", 1) != 1)
        return failErrno("write", fmt::format("{}/{}", path, attribute), errno);
    return {};
}

Result<void> hideKeys(const KernelPaths& paths, const std::string& controller) {
    for (const char* const attribute : {"dhchap_secret", "dhchap_ctrl_secret"}) {
        const std::string path = controllersOf(paths) / controller / attribute;
        if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != ENOENT) return failErrno("chmod", path, errno);
    }
    return {};
}

}  // namespace mc::nvme::kernel
