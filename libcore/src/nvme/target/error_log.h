#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "nvme/target/status.h"

namespace mc::nvme {

/// The commands of a controller that failed last. From any thread.
class ErrorLog {
  public:
    static constexpr std::size_t kEntries = 32;
    struct Entry {
        std::uint64_t number = 0;  ///< From 1.
        std::uint16_t queue = 0;
        std::uint16_t command = 0;
        Status status = 0;
        std::uint32_t nsid = 0;
        std::uint64_t block = 0;
    };

    void add(Entry entry) {
        const std::lock_guard lock(mutex_);
        entry.number = ++count_;
        if (entries_.size() == kEntries) entries_.erase(entries_.begin());
        entries_.push_back(entry);
    }
    /// The newest last.
    std::vector<Entry> entries() const {
        const std::lock_guard lock(mutex_);
        return entries_;
    }
    /// Ever.
    std::uint64_t count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }

  private:
    mutable std::mutex mutex_;
    std::uint64_t count_ = 0;
    std::vector<Entry> entries_;
};

}  // namespace mc::nvme
