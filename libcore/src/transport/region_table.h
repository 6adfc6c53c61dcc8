#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mc/error.h"

namespace mc {

/// A range of addresses with what its owner said about it.
struct Region {
    std::uint64_t addr = 0;
    std::uint64_t length = 0;
    std::string location;
    bool remote_accessible = true;
};

/// An immutable set of regions. Lookup is logarithmic, and one comparison when the previous hit fits again.
class RegionTable {
  public:
    RegionTable() = default;
    explicit RegionTable(std::vector<Region> regions);

    /// The region that contains all of [addr, addr+length); null if none does or the range is empty or wraps.
    /// Adjacent regions do not combine. `hint`: index of the last hit, kept by the caller.
    const Region* find(std::uint64_t addr, std::uint64_t length, std::size_t& hint) const;
    const std::vector<Region>& regions() const { return regions_; }

  private:
    std::vector<Region> regions_;       // Sorted by address; foreign descriptors may overlap.
    std::vector<std::uint64_t> reach_;  // The highest end among regions_[0..i].
};

/// A changing set of regions without overlaps; readers work on snapshots and ask `version` whether theirs is current.
class RegionRegistry {
  public:
    /// AlreadyExists names the region that [addr, addr+length) overlaps.
    Result<void> add(Region region);
    /// The region that starts at `addr`, or NotFound.
    Result<Region> remove(std::uint64_t addr);

    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    std::shared_ptr<const RegionTable> snapshot() const;

  private:
    void publish(std::vector<Region> regions);

    mutable std::mutex mutex_;
    std::shared_ptr<const RegionTable> table_ = std::make_shared<RegionTable>();
    std::atomic<std::uint64_t> version_ = 0;
};

/// A reader's current view of a registry; for one thread at a time.
class RegionView {
  public:
    explicit RegionView(const RegionRegistry& registry) : registry_(&registry) {}
    const Region* find(std::uint64_t addr, std::uint64_t length);

  private:
    const RegionRegistry* registry_;
    std::shared_ptr<const RegionTable> table_;
    std::uint64_t version_ = 0;
    std::size_t hint_ = 0;
};

}  // namespace mc
