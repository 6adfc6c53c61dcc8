#include "engine/segment_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"

namespace mc {

SegmentTable::SegmentTable() : slots_(std::make_unique<std::array<std::atomic<Slot*>, kMostSegments>>()) {}

SegmentTable::~SegmentTable() = default;

SegmentTable::Slot* SegmentTable::slot(SegmentHandle handle) const {
    if (handle < 0 || static_cast<std::size_t>(handle) >= kMostSegments) return nullptr;
    return (*slots_)[static_cast<std::size_t>(handle)].load(std::memory_order_acquire);
}

Result<SegmentHandle> SegmentTable::handleOf(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
    if (owned_.size() == kMostSegments)
        return fail(ErrorCode::System, fmt::format("more than {} segments opened", kMostSegments));
    const auto handle = static_cast<SegmentHandle>(owned_.size());
    owned_.push_back(std::make_unique<Slot>());
    owned_.back()->name = name;
    (*slots_)[owned_.size() - 1].store(owned_.back().get(), std::memory_order_release);
    by_name_.emplace(name, handle);
    return handle;
}

std::string SegmentTable::nameOf(SegmentHandle handle) const {
    const Slot* const found = slot(handle);
    return found == nullptr ? std::string{} : found->name;
}

std::vector<SegmentHandle> SegmentTable::handles() const {
    const std::lock_guard lock(mutex_);
    std::vector<SegmentHandle> all;
    all.reserve(by_name_.size());
    for (const auto& [name, handle] : by_name_) {
        all.push_back(handle);
    }
    return all;
}

std::shared_ptr<const OpenedSegment> SegmentTable::get(SegmentHandle handle) const {
    const Slot* const found = slot(handle);
    if (found == nullptr) return nullptr;
    const std::lock_guard lock(found->mutex);
    return found->segment;
}

std::uint64_t SegmentTable::version(SegmentHandle handle) const {
    const Slot* const found = slot(handle);
    return found == nullptr ? 0 : found->version.load(std::memory_order_acquire);
}

void SegmentTable::set(SegmentHandle handle, std::shared_ptr<const OpenedSegment> segment) {
    Slot* const found = slot(handle);
    if (found == nullptr) return;
    const std::lock_guard lock(found->mutex);
    found->segment = std::move(segment);
    found->version.fetch_add(1, std::memory_order_release);
}

bool OpenedSegment::holds(const TransferRequest& request, std::size_t& hint) const {
    if (files.empty()) return regions.find(request.target_offset, request.length, hint) != nullptr;
    const auto file = std::ranges::lower_bound(files, request.file_id, {}, &FileBuffer::id);
    return file != files.end() && file->id == request.file_id && request.target_offset < file->size &&
           request.length <= file->size - request.target_offset;
}

const OpenedSegment* SegmentView::find(const SegmentTable& table, SegmentHandle handle) {
    const std::uint64_t version = table.version(handle);
    if (handle != handle_ || version != version_) {
        segment_ = table.get(handle);
        handle_ = handle;
        version_ = version;
        hint_ = 0;
    }
    return segment_.get();
}

}  // namespace mc
