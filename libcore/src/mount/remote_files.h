#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "mc/engine.h"
#include "mc/error.h"

#include "io/memory_buffer.h"
#include "io/page_receiver.h"
#include "metadata/keys.h"
#include "metadata/store.h"
#include "mount/file_plan.h"

namespace mc::mount {

struct RemoteFilesOptions {
    EngineOptions engine;
    std::shared_ptr<metadata::Store> store;    ///< Null: P2PHANDSHAKE.
    std::string server_name;                   ///< Under which local paths are looked up, of a segment that has them.
    std::chrono::milliseconds timeout{30000};  ///< Of a request, reconnecting included; 0: none.
    std::size_t memory_size = 0;               ///< Bytes for data, for the caller to share out.
    std::size_t page_receivers = 0;            ///< For the caller, too.
};

/// What became of the requests so far.
struct RemoteFilesCounters {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t flushes = 0;
    std::uint64_t failed = 0;  ///< Requests.
};

/// The files of segments, read and written by an engine of its own, of which nobody else knows. From any thread.
///
/// A target that does not answer within the time limit counts as gone: what waits for it fails, and further requests
/// fail at once, until it answers again, which is tried all the time.
class RemoteFiles {
  public:
    static Result<std::unique_ptr<RemoteFiles>> open(const RemoteFilesOptions& options);
    ~RemoteFiles();
    RemoteFiles(const RemoteFiles&) = delete;
    RemoteFiles& operator=(const RemoteFiles&) = delete;

    /// The descriptor of a segment, of files that nobody has mounted, too.
    Result<SegmentDescriptor> describe(const std::string& segment);
    /// From now on `files`, of that segment, are those that can be read. Unavailable, TimedOut, or what the
    /// target has refused, where they can't: the first byte of each is tried.
    Result<void> use(const std::string& segment, std::vector<MountedFile> files);

    const std::vector<MountedFile>& files() const { return files_; }
    /// Registered, and all that data may lie in.
    std::span<std::byte> memory() const;
    /// As many as were asked for.
    std::span<io::PageReceiver> pages() { return pages_; }

    /// As the target says now, or said last.
    bool isReadOnly(const MountedFile& file) const;

    /// 0, or an errno: ETIMEDOUT where the target does not answer, EIO where it refuses, or EROFS, ESHUTDOWN after
    /// stop(). The range lies within the file. What is read may be in `pages`, of this object, instead: all of it.
    int read(const MountedFile& file, std::uint64_t offset, std::span<std::byte> data,
             io::PageReceiver* pages = nullptr);
    int write(const MountedFile& file, std::uint64_t offset, std::span<std::byte> data);
    /// All that was written before is on stable storage at the target.
    int flush(const MountedFile& file);

    /// What waits ends, and nothing is begun any more. Only the destructor may follow.
    void stop();

    RemoteFilesCounters counters() const;
    /// Why requests fail at once, or wait for a connection; empty while they don't.
    std::string problem() const;

  private:
    RemoteFiles(const RemoteFilesOptions& options, io::Buffer memory);
    int move(Opcode opcode, const MountedFile& file, std::uint64_t offset, std::span<std::byte> data,
             io::PageReceiver* pages = nullptr);
    int run(TransferRequest request, bool even_if_gone);
    int finish(BatchID batch);
    Result<void> tryFirstBytes();
    void setGone(std::string why);
    bool comeBack();
    std::string lostConnection() const;
    void reconnect();
    void watch(const std::stop_token& stop);

    io::Buffer memory_;  // Before the engine, which may touch both until it is gone.
    std::vector<io::PageReceiver> pages_;
    const std::shared_ptr<metadata::Store> store_;
    const metadata::KeyNames keys_;
    std::unique_ptr<TransferEngine> engine_;
    SegmentHandle segment_ = 0;
    std::vector<MountedFile> files_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> gone_ = false;
    std::atomic<std::uint64_t> bytes_read_ = 0;
    std::atomic<std::uint64_t> bytes_written_ = 0;
    std::atomic<std::uint64_t> flushes_ = 0;
    std::atomic<std::uint64_t> failed_ = 0;
    mutable std::mutex mutex_;
    std::string problem_;  // Guarded by mutex_.
    std::condition_variable_any changed_;
    std::jthread watcher_;  // Last: uses what is above.
};

}  // namespace mc::mount
