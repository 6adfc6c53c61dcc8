#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "metadata/local_store.h"
#include "metadata/memory_store.h"
#include "metadata/sqlite_file.h"

namespace mc::metadata {

struct SqliteStoreOptions {
    std::string path;
    std::uint64_t max_bytes = std::uint64_t{4} << 30;  ///< That the file may take.
};

/// A store in a file: a change that was reported as done survives the end of the process and of the machine. All keys
/// are also held in memory, from where they are read.
///
/// A thread of its own writes. The changes that have come while it wrote the last ones become one transaction, so that
/// many writers share the wait for the disk. A change is visible once it is durable.
class SqliteStore : public LocalStore {
  public:
    static Result<std::unique_ptr<SqliteStore>> open(const SqliteStoreOptions& options);
    /// Completes the changes that were asked for. Its watches end with Unavailable.
    ~SqliteStore() override;
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override;
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override;
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override;
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override;

    std::optional<SharedValue> find(std::string_view key) override;
    void putLater(std::string key, std::string value, Precondition precondition, Done done) override;
    void removeLater(std::string key, Precondition precondition, Done done) override;
    Result<Page> listWithin(std::string_view prefix, std::size_t limit, std::string_view continuation,
                            std::size_t max_bytes) override;
    std::string revision() const override;
    Usage usage() const override;
    CommitTimes commitTimes() const override;
    Result<void> health() const override;

  private:
    struct Request {
        std::string key;
        std::shared_ptr<const std::string> value;  // Null: a removal.
        Precondition precondition;
        Done done;
    };
    struct Transaction;

    SqliteStore(std::unique_ptr<SqliteFile> file, std::vector<MemoryStore::Change> content, std::uint64_t revision);
    Result<std::string> waitFor(Request request, Deadline deadline);
    void add(Request request);
    void writeRequests();
    std::vector<Request> takeBatch();
    void commitAll(std::span<Request> batch);
    Result<void> tryCommit(std::span<Request> batch, Transaction& transaction);
    Result<std::string> decide(const Request& request, Transaction& transaction);
    void answer(std::span<Request> batch, std::vector<Result<std::string>> outcomes);
    void note(const Result<void>& committed, std::chrono::duration<double> took);

    // The writer's own.
    std::unique_ptr<SqliteFile> file_;
    std::uint64_t revision_;

    MemoryStore image_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Request> requests_;
    bool stopping_ = false;
    std::optional<Error> trouble_;
    CommitTimes times_;
    std::jthread writer_;  // Last: uses the members above.
};

}  // namespace mc::metadata
