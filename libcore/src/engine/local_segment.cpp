#include "engine/local_segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "segment/protocols.h"
#include "segment/timestamp.h"

namespace mc {
namespace {

void* pointerTo(const Region& region) {
    return reinterpret_cast<void*>(region.addr);  // NOLINT(performance-no-int-to-ptr): it was one
}

}  // namespace

Result<Transport*> LocalSegment::install(std::unique_ptr<Transport> transport) {
    const std::lock_guard lock(mutex_);
    const auto same = [&](const auto& other) { return other->protocol() == transport->protocol(); };
    if (std::ranges::any_of(transports_, same)) {
        return fail(ErrorCode::AlreadyExists, fmt::format("transport {}: installed already", transport->protocol()));
    }
    for (const Region& region : memory_.snapshot()->regions()) {
        const auto done =
            transport->registerMemory(pointerTo(region), region.length, region.location, region.remote_accessible);
        if (!done) return std::unexpected(done.error());
    }
    transports_.push_back(std::move(transport));
    return transports_.back().get();
}

Transport* LocalSegment::find(std::string_view protocol) const {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::ranges::find_if(transports_, [&](const auto& transport) { return transport->protocol() == protocol; });
    return found == transports_.end() ? nullptr : found->get();
}

Transport* LocalSegment::choose(const SegmentDescriptor& descriptor) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        transports_, [&](const auto& transport) { return descriptor.speaks(transport->protocol()); });
    return found == transports_.end() ? nullptr : found->get();
}

std::unique_ptr<Transport> LocalSegment::remove(std::string_view protocol) {
    const std::unique_lock unused(uses_);
    const std::lock_guard lock(mutex_);
    const auto found =
        std::ranges::find_if(transports_, [&](const auto& transport) { return transport->protocol() == protocol; });
    if (found == transports_.end()) return nullptr;
    auto removed = std::move(*found);
    transports_.erase(found);
    std::erase_if(files_, [&](const auto& entry) { return entry.second.transport == removed.get(); });
    return removed;
}

std::vector<Transport*> LocalSegment::transports() const {
    const std::lock_guard lock(mutex_);
    std::vector<Transport*> all;
    all.reserve(transports_.size());
    for (const auto& transport : transports_) {
        all.push_back(transport.get());
    }
    return all;
}

TransportCounters LocalSegment::counters() const {
    const std::lock_guard lock(mutex_);
    TransportCounters sum;
    for (const auto& transport : transports_) {
        const TransportCounters counters = transport->counters();
        sum.bytes_read += counters.bytes_read;
        sum.bytes_written += counters.bytes_written;
        sum.bytes_served += counters.bytes_served;
        sum.requests_served += counters.requests_served;
        sum.requests_rejected += counters.requests_rejected;
        sum.connections += counters.connections;
        sum.connections_served += counters.connections_served;
        sum.connections_refused += counters.connections_refused;
    }
    return sum;
}

Result<void> LocalSegment::registerMemory(std::span<const BufferEntry> buffers, std::string_view location,
                                          bool remote_accessible) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        auto registered = registerOne(buffers[i], location, remote_accessible);
        if (registered) continue;
        while (i-- > 0) {
            static_cast<void>(memory_.remove(reinterpret_cast<std::uint64_t>(buffers[i].addr)));
            for (const auto& transport : transports_) {
                static_cast<void>(transport->unregisterMemory(buffers[i].addr));
            }
        }
        return registered;
    }
    return {};
}

Result<void> LocalSegment::registerOne(const BufferEntry& buffer, std::string_view location, bool remote_accessible) {
    const auto addr = reinterpret_cast<std::uint64_t>(buffer.addr);
    if (auto added = memory_.add({addr, buffer.length, std::string(location), remote_accessible}); !added) return added;
    for (std::size_t i = 0; i < transports_.size(); ++i) {
        auto registered = transports_[i]->registerMemory(buffer.addr, buffer.length, location, remote_accessible);
        if (registered) continue;
        while (i-- > 0) {
            static_cast<void>(transports_[i]->unregisterMemory(buffer.addr));
        }
        static_cast<void>(memory_.remove(addr));
        return registered;
    }
    return {};
}

Result<void> LocalSegment::unregisterMemory(void* addr) {
    const std::lock_guard lock(mutex_);
    const auto removed = memory_.remove(reinterpret_cast<std::uint64_t>(addr));
    if (!removed) return std::unexpected(removed.error());
    hidden_.erase(removed->addr);
    Result<void> result;
    for (const auto& transport : transports_) {
        if (auto done = transport->unregisterMemory(addr); !done && result) result = std::move(done);
    }
    return result;
}

Result<void> LocalSegment::hide(std::span<void* const> addrs) {
    const std::lock_guard lock(mutex_);
    std::set<std::uint64_t> hidden = hidden_;
    const auto table = memory_.snapshot();
    for (void* const pointer : addrs) {
        const auto addr = reinterpret_cast<std::uint64_t>(pointer);
        if (std::ranges::find(table->regions(), addr, &Region::addr) == table->regions().end())
            return fail(ErrorCode::NotFound, fmt::format("memory at {:#x}: not registered", addr));
        if (!hidden.insert(addr).second)
            return fail(ErrorCode::Busy, fmt::format("memory at {:#x}: withdrawn already", addr));
    }
    hidden_ = std::move(hidden);
    return {};
}

void LocalSegment::show(std::span<void* const> addrs) {
    const std::lock_guard lock(mutex_);
    for (void* const addr : addrs)
        hidden_.erase(reinterpret_cast<std::uint64_t>(addr));
}

bool LocalSegment::areHidden(std::span<void* const> addrs) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::all_of(addrs,
                               [this](void* addr) { return hidden_.contains(reinterpret_cast<std::uint64_t>(addr)); });
}

// With the numbers that they get.
Result<std::vector<FileEntry>> LocalSegment::numbered(std::span<const FileEntry> files) const {
    std::vector<FileEntry> all(files.begin(), files.end());
    std::map<std::string_view, FileBufferID> taken;
    for (const auto& [path, file] : files_)
        taken[path] = file.id;
    FileBufferID last = last_file_;
    for (FileEntry& file : all) {
        if (taken.contains(file.path))
            return fail(ErrorCode::AlreadyExists, fmt::format("file {}: registered already", file.path));
        FileBufferID& id = file.options.id;
        if (id == 0) id = last + 1;
        if (std::ranges::any_of(taken, [id](const auto& other) { return other.second == id; }))
            return fail(ErrorCode::AlreadyExists, fmt::format("file {}: number {} is another file's", file.path, id));
        taken[file.path] = id;
        last = std::max(last, id);
    }
    return all;
}

Result<std::vector<FileBufferID>> LocalSegment::registerFiles(std::span<const FileEntry> files) {
    const std::lock_guard lock(mutex_);
    const auto all = numbered(files);
    if (!all) return std::unexpected(all.error());
    for (const auto& transport : transports_) {
        auto registered = transport->registerFiles(*all);
        if (registered) {
            std::vector<FileBufferID> ids;
            for (const FileEntry& file : *all) {
                files_[file.path] = {.id = file.options.id, .transport = transport.get()};
                last_file_ = std::max(last_file_, file.options.id);
                ids.push_back(file.options.id);
            }
            return ids;
        }
        if (registered.error().code != ErrorCode::Unsupported) return std::unexpected(registered.error());
    }
    return fail(ErrorCode::Unsupported, fmt::format("file {}: no installed transport serves files", files.front().path),
                "install nvmeof_generic with the address to serve them at");
}

Result<void> LocalSegment::unregisterFile(const std::string& path) {
    const std::shared_lock use(uses_);
    File file;
    {
        const std::lock_guard lock(mutex_);
        const auto found = files_.find(path);
        if (found == files_.end()) return fail(ErrorCode::NotFound, fmt::format("file {}: not registered", path));
        file = found->second;
    }
    auto done = file.transport->unregisterFile(file.id);
    const std::lock_guard lock(mutex_);
    files_.erase(path);
    return done;
}

Result<void> LocalSegment::hideFile(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found == files_.end()) return fail(ErrorCode::NotFound, fmt::format("file {}: not registered", path));
    if (std::exchange(found->second.hidden, true))
        return fail(ErrorCode::Busy, fmt::format("file {}: is being unregistered", path));
    return {};
}

std::optional<FileService> LocalSegment::fileService() const {
    const std::shared_lock use(uses_);
    for (const Transport* transport : transports()) {
        if (auto service = transport->fileService()) return service;
    }
    return std::nullopt;
}

std::vector<SegmentDescriptor> LocalSegment::describe(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<SegmentDescriptor> all;
    bool first = true;
    for (const auto& transport : transports_) {
        if (!transport->canServe()) continue;
        const bool has_files = transport->protocol() == kNvmeofGeneric;
        SegmentDescriptor descriptor;
        descriptor.name = std::exchange(first, false)
                              ? name
                              : fmt::format("{}-{}", name, has_files ? "files" : transport->protocol());
        descriptor.protocols = {std::string(transport->protocol())};
        descriptor.timestamp = formatTimestamp(std::chrono::system_clock::now());
        transport->describe(descriptor);
        std::erase_if(descriptor.buffers, [this](const MemoryBuffer& buffer) { return hidden_.contains(buffer.addr); });
        std::erase_if(descriptor.file_buffers, [this](const FileBuffer& file) {
            const auto own = files_.find(file.path);
            return own == files_.end() || own->second.hidden;
        });
        // As Mooncake's: before the first file there is no segment.
        if (!has_files || !descriptor.file_buffers.empty()) all.push_back(std::move(descriptor));
    }
    return all;
}

}  // namespace mc
