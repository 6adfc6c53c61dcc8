#pragma once

#include <string>

#include "mc/error.h"

#include "metadata/segment_key.h"
#include "metadata/store.h"

namespace mc::metadata {

/// A static segment that is put back when its metadata store has lost it. One thread at a time.
class KeptSegment {
  public:
    /// `json`: its descriptor as far as it is known. `store` must outlive this.
    KeptSegment(Store& store, SegmentKey segment, std::string json);

    /// Looks whether it is there, and puts it back if not (true). What others have added to its files in the meantime
    /// is put back as well; what an engine or another server has there is theirs, and left to them.
    Result<bool> look(Deadline deadline);

  private:
    bool isOurs(const std::string& json) const;

    Store& store_;
    const SegmentKey segment_;
    std::string json_;
};

}  // namespace mc::metadata
