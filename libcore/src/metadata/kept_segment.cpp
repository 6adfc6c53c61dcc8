#include "metadata/kept_segment.h"

#include <utility>

#include "mc/segment.h"

#include "base/log.h"
#include "base/text.h"
#include "metadata/update.h"

namespace mc::metadata {

KeptSegment::KeptSegment(Store& store, SegmentKey segment, std::string json)
    : store_(store), segment_(std::move(segment)), json_(std::move(json)) {}

// A segment of memory is the engine's as soon as there is one.
bool KeptSegment::isOurs(const std::string& json) const {
    if (segment_.kind == SegmentKind::Memory) return false;
    const auto there = decodeSegmentDescriptor(json);
    const auto ours = decodeSegmentDescriptor(json_);
    return there && ours && there->name == ours->name && there->protocols == ours->protocols;
}

Result<bool> KeptSegment::look(Deadline deadline) {
    const auto updated = update(
        store_, segment_.key,
        [this](const VersionedValue* current) -> Result<Change> {
            if (current == nullptr) return Change::put(json_);
            if (current->value == json_ || !isOurs(current->value)) return Change::none();
            log::debug("{}: others have changed it", printable(segment_.key));
            json_ = current->value;
            return Change::none();
        },
        deadline);
    if (!updated) return std::unexpected(updated.error());
    return updated->done == Change::Kind::Put;
}

}  // namespace mc::metadata
