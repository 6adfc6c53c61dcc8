#include "transport/region_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"

namespace mc {
namespace {

bool contains(const Region& region, std::uint64_t addr, std::uint64_t length) {
    return addr >= region.addr && length <= region.length && addr - region.addr <= region.length - length;
}

}  // namespace

RegionTable::RegionTable(std::vector<Region> regions) : regions_(std::move(regions)) {
    std::ranges::sort(regions_, {}, &Region::addr);
    std::uint64_t reach = 0;
    for (const auto& region : regions_) {
        reach = std::max(reach, region.addr + region.length);
        reach_.push_back(reach);
    }
}

const Region* RegionTable::find(std::uint64_t addr, std::uint64_t length, std::size_t& hint) const {
    if (length == 0 || addr + length < addr) return nullptr;
    if (hint < regions_.size() && contains(regions_[hint], addr, length)) return &regions_[hint];
    auto index =
        static_cast<std::size_t>(std::ranges::upper_bound(regions_, addr, {}, &Region::addr) - regions_.begin());
    for (; index > 0 && reach_[index - 1] >= addr + length; --index) {
        if (!contains(regions_[index - 1], addr, length)) continue;
        hint = index - 1;
        return &regions_[index - 1];
    }
    return nullptr;
}

Result<void> RegionRegistry::add(Region region) {
    if (region.addr == 0 || region.length == 0 || region.addr + region.length < region.addr) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("memory at {:#x}, {} bytes: not a range of memory", region.addr, region.length));
    }
    const std::lock_guard lock(mutex_);
    auto regions = table_->regions();
    for (const auto& other : regions) {
        if (region.addr < other.addr + other.length && other.addr < region.addr + region.length) {
            return fail(ErrorCode::AlreadyExists,
                        fmt::format("memory at {:#x}, {} bytes: overlaps registered memory at {:#x}, {} bytes",
                                    region.addr, region.length, other.addr, other.length));
        }
    }
    regions.push_back(std::move(region));
    publish(std::move(regions));
    return {};
}

Result<Region> RegionRegistry::remove(std::uint64_t addr) {
    const std::lock_guard lock(mutex_);
    auto regions = table_->regions();
    const auto found = std::ranges::find(regions, addr, &Region::addr);
    if (found == regions.end()) return fail(ErrorCode::NotFound, fmt::format("memory at {:#x}: not registered", addr));
    Region removed = std::move(*found);
    regions.erase(found);
    publish(std::move(regions));
    return removed;
}

void RegionRegistry::publish(std::vector<Region> regions) {
    table_ = std::make_shared<RegionTable>(std::move(regions));
    version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const RegionTable> RegionRegistry::snapshot() const {
    const std::lock_guard lock(mutex_);
    return table_;
}

const Region* RegionView::find(std::uint64_t addr, std::uint64_t length) {
    const std::uint64_t current = registry_->version();
    if (!table_ || current != version_) {
        table_ = registry_->snapshot();  // At least as new as `current`: a newer one is only looked up again.
        version_ = current;
    }
    return table_->find(addr, length, hint_);
}

}  // namespace mc
