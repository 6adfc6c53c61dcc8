#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mc/error.h"

#include "io/block_device.h"
#include "transport/slice.h"

namespace mc {

/// A peer's files as this machine's block devices. Does not change.
class BlockFiles {
  public:
    /// A range within one device; without a device: there is none for it.
    struct Piece {
        io::BlockDevice* device = nullptr;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };

    BlockFiles() = default;
    BlockFiles(const BlockFiles&) = delete;
    BlockFiles& operator=(const BlockFiles&) = delete;
    virtual ~BlockFiles() = default;

    virtual bool holds(const Slice& slice) const = 0;
    /// The beginning of what is left of a slice that they hold, as far as one device has it.
    virtual Piece pieceAt(const Slice& slice, std::uint64_t moved) const = 0;
    /// A write that has ended is where the file really is, and not in this machine's page cache.
    virtual bool acknowledgeWrites() const = 0;
};

/// A peer's files, which may be opened anew while lanes use them. From any thread.
class BlockFilesBox {
  public:
    explicit BlockFilesBox(std::shared_ptr<const BlockFiles> files) : files_(std::move(files)) {}
    BlockFilesBox(const BlockFilesBox&) = delete;
    BlockFilesBox& operator=(const BlockFilesBox&) = delete;
    virtual ~BlockFilesBox() = default;

    std::shared_ptr<const BlockFiles> get() const {
        const std::lock_guard lock(mutex_);
        return files_;
    }
    void set(std::shared_ptr<const BlockFiles> files) {
        const std::lock_guard lock(mutex_);
        files_ = std::move(files);
        version_.fetch_add(1, std::memory_order_release);
    }
    /// A request has failed, or they could not be looked at; or, without a problem, there is none any more.
    void showProblem(std::optional<Error> problem) {
        const std::lock_guard lock(mutex_);
        problem_ = std::move(problem);
    }
    std::optional<Error> problem() const {
        const std::lock_guard lock(mutex_);
        return problem_;
    }
    /// How often they were opened anew.
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// What became of a doubt.
    enum class Doubt : std::uint8_t {
        Open = 0,
        Confirmed = 1,  ///< The files are others now: the request may be tried again.
        Refuted = 2,    ///< They are what they were: the failure is the file's answer.
        Unclear = 3,    ///< They could not be looked at.
    };
    /// A request has failed: has the files looked at, whether they are still what they were. The doubt's number; 0
    /// where nobody looks.
    virtual std::uint64_t doubt() { return 0; }
    /// Of a doubt about files that still have the version that they had then.
    virtual Doubt outcome(std::uint64_t /*number*/) const { return Doubt::Refuted; }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const BlockFiles> files_;
    std::optional<Error> problem_;
    std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace mc
