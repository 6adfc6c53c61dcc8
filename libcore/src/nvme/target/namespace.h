#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "nvme/target/device_failures.h"
#include "nvme/target/target.h"

namespace mc::nvme {

/// A device under a number, cut into logical blocks. Its properties do not change; from any thread.
class Namespace {
  public:
    /// What the loops are told at the end of their last use.
    using Idle = std::move_only_function<void()>;

    Namespace(NamespaceOptions options, std::size_t loops)
        : options_(std::move(options)),
          block_shift_(static_cast<unsigned>(std::clamp(std::countr_zero(options_.device->blockSize()), 9, 12))),
          blocks_(options_.device->size() >> block_shift_),
          memory_(options_.device->memory()),
          uses_(loops) {}

    std::uint32_t nsid() const { return options_.nsid; }
    io::BlockDevice& device() const { return *options_.device; }
    const NamespaceOptions& options() const { return options_; }
    unsigned blockShift() const { return block_shift_; }
    std::uint32_t blockSize() const { return 1U << block_shift_; }
    std::uint64_t blocks() const { return blocks_; }
    bool isReadOnly() const { return options_.device->isReadOnly(); }
    /// Of a device that is memory, else null.
    std::byte* memory() const { return memory_.data(); }
    DeviceFailures& failures() { return failures_; }

    /// Commands that run on it, counted in each loop by itself: called by that loop's thread alone.
    void use(std::size_t loop) { ++uses_[loop].count; }
    void unuse(std::size_t loop) {
        Uses& uses = uses_[loop];
        if (--uses.count == 0 && uses.idle) std::exchange(uses.idle, nullptr)();
    }
    /// Calls `idle` once no command of that loop runs on it, at once or later, in the loop's thread.
    void whenIdle(std::size_t loop, Idle idle) {
        if (uses_[loop].count == 0) return idle();
        uses_[loop].idle = std::move(idle);
    }

  private:
    struct alignas(64) Uses {
        std::uint64_t count = 0;
        Idle idle;
    };

    NamespaceOptions options_;
    unsigned block_shift_;
    std::uint64_t blocks_;
    std::span<std::byte> memory_;
    std::vector<Uses> uses_;
    DeviceFailures failures_;
};

/// Those of a subsystem at one moment, by number. Immutable: who holds it sees no change.
class NamespaceTable {
  public:
    static constexpr std::uint32_t kMaxNsid = 1024;

    Namespace* find(std::uint32_t nsid) const { return nsid < entries_.size() ? entries_[nsid].get() : nullptr; }
    /// Of the next namespace above `nsid`; 0: there is none.
    std::uint32_t next(std::uint32_t nsid) const {
        for (std::uint64_t i = std::uint64_t{nsid} + 1; i < entries_.size(); ++i) {
            if (entries_[i]) return static_cast<std::uint32_t>(i);
        }
        return 0;
    }
    std::shared_ptr<const NamespaceTable> with(std::shared_ptr<Namespace> added) const {
        auto table = std::make_shared<NamespaceTable>(*this);
        if (table->entries_.size() <= added->nsid()) table->entries_.resize(added->nsid() + 1);
        table->entries_[added->nsid()] = std::move(added);
        return table;
    }
    std::shared_ptr<const NamespaceTable> without(std::uint32_t nsid) const {
        auto table = std::make_shared<NamespaceTable>(*this);
        if (nsid < table->entries_.size()) table->entries_[nsid].reset();
        return table;
    }
    std::shared_ptr<Namespace> share(std::uint32_t nsid) const {
        return nsid < entries_.size() ? entries_[nsid] : nullptr;
    }

  private:
    std::vector<std::shared_ptr<Namespace>> entries_;  // By number.
};

}  // namespace mc::nvme
