#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/segment.h"
#include "mc/transfer.h"

#include "transport/region_table.h"

namespace mc {

class Peer;
class Transport;

/// A segment as it was when it was last looked up. Immutable.
struct OpenedSegment {
    SegmentDescriptor descriptor;
    RegionTable regions;
    std::vector<FileBuffer> files;  ///< By number; a segment that has them has no memory.
    Transport* transport = nullptr;
    Peer* peer = nullptr;

    /// Whether the segment has all that the request addresses. `hint`: as of RegionTable::find.
    bool holds(const TransferRequest& request, std::size_t& hint) const;
};

/// Opened segments by handle. Slots are only added; what they hold may be replaced while requests are submitted.
class SegmentTable {
  public:
    SegmentTable();
    ~SegmentTable();
    SegmentTable(const SegmentTable&) = delete;
    SegmentTable& operator=(const SegmentTable&) = delete;

    /// The handle of `name`, made where there is none.
    Result<SegmentHandle> handleOf(std::string_view name);
    /// Empty for a handle that was never given out.
    std::string nameOf(SegmentHandle handle) const;
    std::vector<SegmentHandle> handles() const;

    /// Null while the segment has not been looked up (or its transport is gone).
    std::shared_ptr<const OpenedSegment> get(SegmentHandle handle) const;
    std::uint64_t version(SegmentHandle handle) const;
    void set(SegmentHandle handle, std::shared_ptr<const OpenedSegment> segment);

  private:
    struct Slot {
        std::string name;
        mutable std::mutex mutex;  // Guards `segment`.
        std::shared_ptr<const OpenedSegment> segment;
        std::atomic<std::uint64_t> version = 0;
    };
    static constexpr std::size_t kMostSegments = 1 << 16;

    Slot* slot(SegmentHandle handle) const;

    std::unique_ptr<std::array<std::atomic<Slot*>, kMostSegments>> slots_;
    mutable std::mutex mutex_;  // Guards what follows.
    std::vector<std::unique_ptr<Slot>> owned_;
    std::map<std::string, SegmentHandle, std::less<>> by_name_;
};

/// The last segment that a batch used, so that a row of requests to one segment takes no lock. For one thread at a
/// time.
class SegmentView {
  public:
    /// Null like SegmentTable::get.
    const OpenedSegment* find(const SegmentTable& table, SegmentHandle handle);
    /// The position of the last hit in the segment's regions, for RegionTable::find.
    std::size_t& hint() { return hint_; }

  private:
    SegmentHandle handle_ = -1;
    std::uint64_t version_ = 0;
    std::shared_ptr<const OpenedSegment> segment_;
    std::size_t hint_ = 0;
};

}  // namespace mc
