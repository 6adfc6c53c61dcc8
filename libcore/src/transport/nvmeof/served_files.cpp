#include "transport/nvmeof/served_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"
#include "nvme/uuid.h"

namespace mc::nvmeof {
namespace {

constexpr std::size_t kSerialLength = 20;
constexpr const char* kNqnPrefix = "nqn.2016-06.io.mc:";

// Twenty characters that stay the same as long as the name does.
std::string serialOf(const std::string& nqn) {
    std::string digits = nvme::formatUuid(nvme::uuidOf("mc serial " + nqn));
    std::erase(digits, '-');
    return digits.substr(0, kSerialLength);
}

// What hosts recognise a file by, wherever the server was started from.
nvme::Uuid identityOf(std::string_view kind, const std::string& owner, const std::string& path) {
    std::error_code ignored;
    const auto absolute = std::filesystem::absolute(path, ignored).lexically_normal();
    return nvme::uuidOf(fmt::format("mc {}\n{}\n{}", kind, owner, absolute.string()));
}

}  // namespace

ServedFiles::ServedFiles(NvmeTransportId where, FileOwner owner, const NvmeofOptions& options)
    : owner_(std::move(owner)), options_(options), backend_(backendFor(where, options)), where_(std::move(where)) {
    where_.subnqn = options_.nqn.empty() ? kNqnPrefix + owner_.name : options_.nqn;
}

Result<std::vector<FileToServe>> ServedFiles::open(std::span<const FileEntry> files) const {
    std::vector<FileToServe> all;
    for (const FileEntry& file : files) {
        auto opened =
            openToServe(file.path, file.options,
                        {.backend = backend_, .direct = options_.direct_io, .backend_option = options_.backend_option});
        if (!opened) return std::unexpected(opened.error());
        all.push_back({.id = file.options.id,
                       .path = file.path,
                       .opened = std::move(*opened),
                       .nguid = identityOf("nguid", owner_.identity, file.path),
                       .uuid = identityOf("uuid", owner_.identity, file.path)});
    }
    return all;
}

Result<void> ServedFiles::start(std::vector<FileToServe> files) {
    nvme::SubsystemOptions subsystem;
    subsystem.nqn = where_.subnqn;
    subsystem.serial = serialOf(options_.nqn.empty() ? kNqnPrefix + owner_.identity : options_.nqn);
    subsystem.allow_any_host = options_.hosts.empty();
    for (const NvmeofHost& host : options_.hosts)
        subsystem.hosts.push_back({.nqn = host.nqn, .key = host.key, .controller_key = host.controller_key});
    auto target = backend_ == NvmeofBackend::Kernel
                      ? startKernelTarget(where_, subsystem, options_, std::move(files))
                      : startUserTarget(where_, subsystem, options_, owner_.advertised_host, std::move(files));
    if (!target) return std::unexpected(wrap("transport nvmeof_generic", target.error()));
    target_ = std::move(*target);
    where_.trtype = toLower(where_.trtype);
    where_.adrfam = toLower(where_.adrfam);
    where_.trsvcid = fmt::format("{}", target_->port());
    return {};
}

Result<void> ServedFiles::addToTarget(std::vector<FileToServe> files) {
    for (std::size_t i = 0; i < files.size(); ++i) {
        auto added = target_->add(std::move(files[i]));
        if (added) continue;
        for (std::size_t done = 0; done < i; ++done)
            static_cast<void>(target_->remove(files[done].id));
        return added;
    }
    return {};
}

Result<void> ServedFiles::add(std::span<const FileEntry> files) {
    // Before anything listens for their sake.
    auto opened = open(files);
    if (!opened) return std::unexpected(opened.error());
    std::map<FileBufferID, File> added;
    for (const FileToServe& file : *opened)
        added[file.id] = {.path = file.path, .size = file.opened.size};
    const std::lock_guard lock(mutex_);
    auto served = target_ ? addToTarget(std::move(*opened)) : start(std::move(*opened));
    if (served) files_.merge(added);
    return served;
}

Result<void> ServedFiles::remove(FileBufferID id) {
    FileTarget* target = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (files_.erase(id) == 0) return fail(ErrorCode::NotFound, fmt::format("file {}: not served", id));
        target = target_.get();
    }
    return target->remove(id);  // As long as its device takes; others don't wait.
}

// Under which address others reach it.
NvmeTransportId ServedFiles::published() const {
    NvmeTransportId id = where_;
    if (owner_.advertised_host.empty()) return id;
    id.traddr = owner_.advertised_host;
    if (isIpv4(id.traddr)) id.adrfam = "ipv4";
    if (isIpv6(id.traddr)) id.adrfam = "ipv6";
    return id;
}

void ServedFiles::describe(SegmentDescriptor& descriptor) const {
    const std::lock_guard lock(mutex_);
    descriptor.nvme_trid = published();
    for (const auto& [id, file] : files_) {
        descriptor.file_buffers.push_back({.id = id, .path = file.path, .size = file.size});
    }
}

std::optional<FileService> ServedFiles::service() const {
    FileService service;
    const FileTarget* target = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!target_) return std::nullopt;
        target = target_.get();
        service.trid = published();
        service.bound = where_;
    }
    target->describe(service);  // May take a moment where a disk holds up the target; others don't wait.
    return service;
}

void ServedFiles::count(TransportCounters& counters) const {
    const std::lock_guard lock(mutex_);
    if (target_) target_->count(counters);
}

}  // namespace mc::nvmeof
