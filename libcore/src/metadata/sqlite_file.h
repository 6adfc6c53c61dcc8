#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "metadata/memory_store.h"

namespace mc::metadata {

/// The file of a SqliteStore, which no other process can open meanwhile. One thread at a time.
///
/// Busy: another process has it open. BadData: it is another program's file, or damaged. Full: the disk, or the size
/// that was allowed. After any error of a transaction roll back.
class SqliteFile {
  public:
    /// Opens or creates it and reads whether it is whole.
    static Result<std::unique_ptr<SqliteFile>> open(const std::string& path, std::uint64_t max_bytes);
    ~SqliteFile();
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;

    /// All keys.
    Result<std::vector<MemoryStore::Change>> load();
    /// As the last transaction left it; in a new file, the time of day in nanoseconds.
    Result<std::uint64_t> revision();

    Result<void> begin();
    Result<void> put(std::string_view key, std::string_view value, std::uint64_t version);
    Result<void> remove(std::string_view key);
    /// Returns once the transaction is on the disk.
    Result<void> commit(std::uint64_t revision);
    void rollback();

    /// Moves what was committed from the log into the file, so that the log's space can be used again.
    Result<void> checkpoint();

  private:
    class Database;
    explicit SqliteFile(std::unique_ptr<Database> database);

    std::unique_ptr<Database> database_;
};

}  // namespace mc::metadata
