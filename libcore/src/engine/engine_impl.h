#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "mc/engine.h"

#include "base/fd.h"
#include "engine/batch.h"
#include "engine/flights.h"
#include "engine/local_segment.h"
#include "engine/membership.h"
#include "engine/metrics.h"
#include "engine/segment_table.h"

namespace mc {

/// The parts of an engine. Their order is that of construction; destruction takes care of the rest itself.
class TransferEngine::Impl {
  public:
    explicit Impl(EngineOptions engine_options);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> join(std::shared_ptr<metadata::Store> store, const std::string& server_name,
                      const std::string& connectable_name, std::uint16_t rpc_port);
    Result<Transport*> installTcp();
    Result<Transport*> installLocalFiles();
    Result<Transport*> installNvmeof(std::string_view where);
    Result<Transport*> install(std::unique_ptr<Transport> transport);
    Result<void> uninstall(std::string_view protocol);
    /// Registers and publishes all of them, or none.
    Result<void> registerMemory(std::span<const BufferEntry> buffers, std::string_view location,
                                bool remote_accessible);
    /// Takes them out of what is published, all or none.
    Result<void> withdrawMemory(std::span<void* const> addrs);
    Result<std::vector<FileBufferID>> registerFiles(std::span<const FileEntry> files);
    Result<void> unregisterFile(const std::string& path);
    /// Publishes what the store has lost, and what could not be told it; the keys that were missing.
    Result<std::vector<std::string>> restorePublished();
    /// After something about the local segment has changed.
    Result<void> publish();

    Result<SegmentHandle> open(std::string_view name);
    /// Looks the segment up (again) and makes it what requests see.
    Result<void> lookUp(SegmentHandle handle);

    /// What this engine publishes under its name.
    Result<std::shared_ptr<const SegmentDescriptor>> ownDescriptor() const;

    Result<PeerInfo> peerInfo(SegmentHandle handle);

    Result<BatchID> allocateBatch(std::size_t capacity);
    void releaseBatch(Batch& batch);
    Result<void> submit(Batch& batch, std::span<const TransferRequest> entries);
    Result<void> notify(SegmentHandle target, const Notification& notification);

    void stopWaiting() const;

    Result<Membership*> membership() const;

    const EngineOptions options;
    LocalSegment local;
    SegmentTable segments;
    BatchTable batches;

    /// False: no room.
    bool keep(Notification notification);
    std::vector<Notification> takeNotifications();

  private:
    static constexpr std::size_t kUninstalling = std::size_t{1} << 32;

    Result<void> publishNow(Membership& joined);
    Result<void> lookUpNow(SegmentHandle handle);
    Result<void> uninstallIdle(std::string_view protocol);
    std::unique_ptr<Transport> takeOut(std::string_view protocol);
    Result<FoundSegment> findSegment(SegmentHandle handle) const;
    Result<Peer*> peerFor(SegmentHandle handle, Transport& transport, const FoundSegment& found);
    TaskStatus prepare(Batch& batch, const TransferRequest& request, const OpenedSegment*& segment,
                       SegmentHandle& looked_up);
    bool reaches(Batch& batch, const TransferRequest& request, const OpenedSegment*& segment);
    std::span<Slice> cut(Batch& batch, std::size_t index, const TransferRequest& request, const OpenedSegment& segment);

    const FileDescriptor interrupt_;  // An eventfd.
    std::mutex join_mutex_;
    std::mutex publish_mutex_;
    bool behind_ = false;                 // The store has not heard of the latest change; under publish_mutex_.
    std::shared_mutex transports_mutex_;  // Shared while a transport is used that could be uninstalled meanwhile.
    std::mutex peers_mutex_;              // Guards peers_.
    Flights look_ups_;
    std::atomic<std::size_t> running_batches_ = 0;  // Allocated ones; from kUninstalling on none may be added.
    std::map<std::pair<SegmentHandle, Transport*>, std::unique_ptr<Peer>> peers_;
    std::mutex notifications_mutex_;
    std::vector<Notification> notifications_;
    std::size_t notification_bytes_ = 0;
    std::unique_ptr<Membership> membership_;
    std::atomic<Membership*> joined_ = nullptr;
    std::unique_ptr<Metrics> metrics_;
};

}  // namespace mc
