#include "metadata/sqlite_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/errors.h"

namespace mc::metadata {
namespace {

constexpr int kApplicationId = 0x6d63'6d64;  // "mcmd"
constexpr int kSchemaVersion = 1;
constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint64_t kLeastPages = 16;
constexpr int kPatienceMs = 250;  // With a reader that looks into the file while it is opened.

struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

// Where the disk is full but errno is not ENOSPC, SQLite only says that writing failed.
bool meansFull(int code, int number) {
    return code == SQLITE_FULL || (code == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT || number == EFBIG));
}

std::int64_t timeOfDay() {
    using std::chrono::nanoseconds;
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<nanoseconds>(since).count();
}

}  // namespace

class SqliteFile::Database {
  public:
    explicit Database(std::string path) : path_(std::move(path)) {}
    ~Database() {
        // Before the connection they belong to.
        for (auto* statement : {&put_, &remove_, &set_revision_, &begin_, &commit_})
            statement->reset();
        sqlite3_close(connection_);
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    Result<void> open(std::uint64_t max_bytes);
    Result<std::vector<MemoryStore::Change>> load();
    Result<std::int64_t> number(const char* sql);
    Result<void> execute(const char* sql);
    Result<void> run(const Statement& statement);
    std::unexpected<Error> failed(std::string_view operation);

    sqlite3* connection() const { return connection_; }
    const Statement& put() const { return put_; }
    const Statement& remove() const { return remove_; }
    const Statement& setRevision() const { return set_revision_; }
    const Statement& begin() const { return begin_; }
    const Statement& commit() const { return commit_; }

  private:
    Result<void> recognise();
    Result<void> create();
    Result<void> checkWhole();
    Result<Statement> prepare(const char* sql);
    Result<void> prepareAll();

    const std::string path_;
    sqlite3* connection_ = nullptr;
    Statement put_, remove_, set_revision_, begin_, commit_;
};

std::unexpected<Error> SqliteFile::Database::failed(std::string_view operation) {
    // SQLite does not keep the errno of a failed COMMIT; whoever runs a statement sets it to 0 before.
    const int last = errno;
    const int kept = sqlite3_system_errno(connection_);
    const int number = kept != 0 ? kept : last;
    const int code = sqlite3_errcode(connection_) & 0xff;
    const auto message = [&](std::string_view cause) { return fmt::format("{} {}: {}", operation, path_, cause); };
    if (meansFull(code, number)) {
        const bool disk = number == ENOSPC || number == EDQUOT || number == EFBIG;
        return fail(ErrorCode::Full, message(disk ? systemError("write", "", number).message : "it is full"),
                    "make room, or allow a larger file");
    }
    switch (code) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return fail(ErrorCode::Busy, message("in use by another process"), "is another server running on it?");
        case SQLITE_NOTADB:
            return fail(ErrorCode::BadData, message("it is no metadata store"), "name another file");
        case SQLITE_CORRUPT:
            return fail(ErrorCode::BadData, message("it is damaged: " + std::string(sqlite3_errmsg(connection_))),
                        "restore it from a backup");
        case SQLITE_CANTOPEN:
            if (number == ENOENT || number == ENOTDIR || number == EISDIR)
                return fail(ErrorCode::CannotCreate, systemError(operation, path_, number).message);
            if (number != 0) return failErrno(operation, path_, number);
            return fail(ErrorCode::CannotCreate, message(sqlite3_errmsg(connection_)));
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return fail(ErrorCode::NotPermitted, message("it can't be written"));
        case SQLITE_NOMEM:
            return fail(ErrorCode::System, message("out of memory"));
        default:
            return fail(ErrorCode::Io, message(sqlite3_errmsg(connection_)));
    }
}

Result<void> SqliteFile::Database::execute(const char* sql) {
    errno = 0;
    if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failed("write");
    return {};
}

Result<Statement> SqliteFile::Database::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr) != SQLITE_OK) return failed("read");
    return Statement(statement);
}

Result<void> SqliteFile::Database::run(const Statement& statement) {
    errno = 0;
    const int code = sqlite3_step(statement.get());
    Result<void> result;
    if (code != SQLITE_DONE && code != SQLITE_ROW) result = failed("write");
    sqlite3_reset(statement.get());
    sqlite3_clear_bindings(statement.get());
    return result;
}

Result<std::int64_t> SqliteFile::Database::number(const char* sql) {
    auto statement = prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    if (sqlite3_step(statement->get()) != SQLITE_ROW) return failed("read");
    return sqlite3_column_int64(statement->get(), 0);
}

Result<void> SqliteFile::Database::open(std::uint64_t max_bytes) {
    // Names that SQLite would take for a database in memory, or for a URI.
    const bool special = path_.starts_with(':') || path_.starts_with("file:");
    const std::string name = special ? "./" + path_ : path_;
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(name.c_str(), &connection_, kFlags, nullptr) != SQLITE_OK) return failed("open");
    sqlite3_busy_timeout(connection_, kPatienceMs);
    if (auto set = execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY"); !set) return set;
    // Nothing is written before the file is known to be ours.
    if (auto known = recognise(); !known) return known;
    if (sqlite3_db_readonly(connection_, "main") != 0) {
        return fail(ErrorCode::NotPermitted, fmt::format("open {}: it can't be written", path_));
    }
    const std::uint64_t pages = std::max(max_bytes / kPageSize, kLeastPages);
    const std::string limit = fmt::format("PRAGMA page_size={}; PRAGMA max_page_count={}", kPageSize,
                                          std::min<std::uint64_t>(pages, 0xffff'fffe));
    if (auto set = execute(limit.c_str()); !set) return set;
    if (auto set = execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000"); !set) {
        return set;
    }
    if (auto created = create(); !created) return created;
    if (auto whole = checkWhole(); !whole) return whole;
    return prepareAll();
}

Result<void> SqliteFile::Database::recognise() {
    const auto pages = number("PRAGMA page_count");
    if (!pages) return std::unexpected(pages.error());
    if (*pages == 0) return {};
    const auto application = number("PRAGMA application_id");
    if (!application) return std::unexpected(application.error());
    if (*application != kApplicationId) {
        return fail(ErrorCode::BadData, fmt::format("open {}: it is another program's database", path_),
                    "name another file");
    }
    const auto schema = number("PRAGMA user_version");
    if (!schema) return std::unexpected(schema.error());
    if (*schema == kSchemaVersion) return {};
    return fail(ErrorCode::BadData,
                fmt::format("open {}: it has format {}, this version reads {}", path_, *schema, kSchemaVersion));
}

Result<void> SqliteFile::Database::create() {
    const auto version = number("PRAGMA user_version");
    if (!version) return std::unexpected(version.error());
    if (*version == kSchemaVersion) return {};
    const std::string sql = fmt::format(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE entry(key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, version INTEGER NOT NULL);"
        "CREATE TABLE store(revision INTEGER NOT NULL);"
        "INSERT INTO store VALUES({});"
        "PRAGMA application_id={};"
        "PRAGMA user_version={};"
        "COMMIT",
        timeOfDay(), kApplicationId, kSchemaVersion);
    return execute(sql.c_str());
}

Result<void> SqliteFile::Database::checkWhole() {
    auto check = prepare("PRAGMA quick_check(1)");
    if (!check) return std::unexpected(check.error());
    if (sqlite3_step(check->get()) != SQLITE_ROW) return failed("read");
    const std::string verdict(reinterpret_cast<const char*>(sqlite3_column_text(check->get(), 0)));
    if (verdict == "ok") return {};
    return fail(ErrorCode::BadData, fmt::format("read {}: it is damaged: {}", path_, verdict),
                "restore it from a backup");
}

Result<void> SqliteFile::Database::prepareAll() {
    const std::pair<Statement*, const char*> all[] = {
        {&put_, "INSERT INTO entry VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET value = ?2, version = ?3"},
        {&remove_, "DELETE FROM entry WHERE key = ?1"},
        {&set_revision_, "UPDATE store SET revision = ?1"},
        {&begin_, "BEGIN IMMEDIATE"},
        {&commit_, "COMMIT"},
    };
    for (const auto& [target, sql] : all) {
        auto statement = prepare(sql);
        if (!statement) return std::unexpected(statement.error());
        *target = std::move(*statement);
    }
    return {};
}

Result<std::vector<MemoryStore::Change>> SqliteFile::Database::load() {
    auto rows = prepare("SELECT key, value, version FROM entry");
    if (!rows) return std::unexpected(rows.error());
    const auto text = [&rows](int column) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(rows->get(), column));
        return std::string(bytes == nullptr ? "" : bytes,
                           static_cast<std::size_t>(sqlite3_column_bytes(rows->get(), column)));
    };
    std::vector<MemoryStore::Change> all;
    for (;;) {
        const int code = sqlite3_step(rows->get());
        if (code == SQLITE_DONE) return all;
        if (code != SQLITE_ROW) return failed("read");
        all.push_back({.key = text(0),
                       .value = std::make_shared<const std::string>(text(1)),
                       .version = static_cast<std::uint64_t>(sqlite3_column_int64(rows->get(), 2))});
    }
}

SqliteFile::SqliteFile(std::unique_ptr<Database> database) : database_(std::move(database)) {}

SqliteFile::~SqliteFile() = default;

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& path, std::uint64_t max_bytes) {
    auto database = std::make_unique<Database>(path);
    if (auto opened = database->open(max_bytes); !opened) return std::unexpected(opened.error());
    return std::unique_ptr<SqliteFile>(new SqliteFile(std::move(database)));
}

Result<std::vector<MemoryStore::Change>> SqliteFile::load() {
    return database_->load();
}

Result<std::uint64_t> SqliteFile::revision() {
    const auto revision = database_->number("SELECT revision FROM store");
    if (!revision) return std::unexpected(revision.error());
    return static_cast<std::uint64_t>(*revision);
}

Result<void> SqliteFile::begin() {
    return database_->run(database_->begin());
}

Result<void> SqliteFile::put(std::string_view key, std::string_view value, std::uint64_t version) {
    auto* const statement = database_->put().get();
    // The texts stay where they are until the statement has run.
    if (sqlite3_bind_text64(statement, 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK ||
        sqlite3_bind_text64(statement, 2, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK ||
        sqlite3_bind_int64(statement, 3, static_cast<std::int64_t>(version)) != SQLITE_OK) {
        return database_->failed("write");
    }
    return database_->run(database_->put());
}

Result<void> SqliteFile::remove(std::string_view key) {
    auto* const statement = database_->remove().get();
    if (sqlite3_bind_text64(statement, 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
        return database_->failed("write");
    }
    return database_->run(database_->remove());
}

Result<void> SqliteFile::commit(std::uint64_t revision) {
    sqlite3_bind_int64(database_->setRevision().get(), 1, static_cast<std::int64_t>(revision));
    if (auto set = database_->run(database_->setRevision()); !set) return set;
    return database_->run(database_->commit());
}

void SqliteFile::rollback() {
    // Some errors have ended the transaction already.
    if (sqlite3_get_autocommit(database_->connection()) == 0) (void)database_->execute("ROLLBACK");
}

Result<void> SqliteFile::checkpoint() {
    return database_->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace mc::metadata
