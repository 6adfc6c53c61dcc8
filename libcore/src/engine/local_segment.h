#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/engine.h"
#include "mc/segment.h"

#include "transport/region_table.h"
#include "transport/transport.h"

namespace mc {

/// What an engine offers: its registered memory, through every installed transport. From any thread.
class LocalSegment {
  public:
    /// Registers all memory with it first. AlreadyExists if its protocol is there.
    Result<Transport*> install(std::unique_ptr<Transport> transport);
    /// Null if none speaks it.
    Transport* find(std::string_view protocol) const;
    /// The first installed transport that speaks one of the descriptor's protocols, or null.
    Transport* choose(const SegmentDescriptor& descriptor) const;
    std::unique_ptr<Transport> remove(std::string_view protocol);
    std::vector<Transport*> transports() const;
    /// The sum over all transports.
    TransportCounters counters() const;

    /// All of them or none.
    Result<void> registerMemory(std::span<const BufferEntry> buffers, std::string_view location,
                                bool remote_accessible);
    Result<void> unregisterMemory(void* addr);
    const RegionRegistry& memory() const { return memory_; }

    /// Leaves the ranges that begin there out of what is published, until they are shown again or unregistered. All of
    /// them or none: NotFound for what is not registered, Busy for what is hidden already.
    Result<void> hide(std::span<void* const> addrs);
    void show(std::span<void* const> addrs);
    bool areHidden(std::span<void* const> addrs) const;

    /// Through the first transport that has files; all of them or none.
    Result<std::vector<FileBufferID>> registerFiles(std::span<const FileEntry> files);
    /// Takes as long as the file's device does; nobody else waits. Hidden before.
    Result<void> unregisterFile(const std::string& path);
    /// Leaves it out of what is published. NotFound, or Busy if it is hidden already.
    Result<void> hideFile(const std::string& path);

    /// May take a moment where a disk holds up who serves the files; nobody else waits.
    std::optional<FileService> fileService() const;

    /// What is published: one descriptor per transport that can serve, the first under `name`, others under
    /// NAME-PROTOCOL; files under NAME-files.
    std::vector<SegmentDescriptor> describe(const std::string& name) const;

  private:
    Result<void> registerOne(const BufferEntry& buffer, std::string_view location, bool remote_accessible);
    Result<std::vector<FileEntry>> numbered(std::span<const FileEntry> files) const;

    mutable std::shared_mutex uses_;  // Shared while a transport is called without the lock below.
    mutable std::mutex mutex_;
    RegionRegistry memory_;
    std::set<std::uint64_t> hidden_;
    struct File {
        FileBufferID id = 0;
        Transport* transport = nullptr;
        bool hidden = false;
    };
    std::map<std::string, File> files_;  // By path.
    FileBufferID last_file_ = 0;         // The highest number so far; those below are not given out again.
    std::vector<std::unique_ptr<Transport>> transports_;
};

}  // namespace mc
