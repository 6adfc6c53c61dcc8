#include "metadata/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "base/errors.h"
#include "base/thread.h"

namespace mc::metadata {
namespace {

// Of one transaction: what a reader of the log, and memory, can bear.
constexpr std::size_t kMaxBatch = 1024;
constexpr std::size_t kMaxBatchBytes = std::size_t{16} << 20;

}  // namespace

// What one transaction does, as it becomes visible when it is committed.
struct SqliteStore::Transaction {
    std::uint64_t revision = 0;
    std::vector<MemoryStore::Change> changes;
    std::unordered_map<std::string_view, std::optional<std::uint64_t>> versions;  // Of the keys it has changed.
    std::vector<Result<std::string>> outcomes;
};

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteStoreOptions& options) {
    auto file = SqliteFile::open(options.path, options.max_bytes);
    if (!file) return std::unexpected(file.error());
    auto content = (*file)->load();
    if (!content) return std::unexpected(content.error());
    const auto revision = (*file)->revision();
    if (!revision) return std::unexpected(revision.error());
    return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(*file), std::move(*content), *revision));
}

SqliteStore::SqliteStore(std::unique_ptr<SqliteFile> file, std::vector<MemoryStore::Change> content,
                         std::uint64_t revision)
    : file_(std::move(file)), revision_(revision) {
    image_.apply(content, revision);
    writer_ = std::jthread([this] { writeRequests(); });
}

SqliteStore::~SqliteStore() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    writer_.join();
}

std::optional<SharedValue> SqliteStore::find(std::string_view key) {
    return image_.find(key);
}

Result<VersionedValue> SqliteStore::get(std::string_view key, Deadline deadline) {
    return image_.get(key, deadline);
}

Result<Page> SqliteStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                               Deadline deadline) {
    return image_.list(prefix, limit, continuation, deadline);
}

Result<Page> SqliteStore::listWithin(std::string_view prefix, std::size_t limit, std::string_view continuation,
                                     std::size_t max_bytes) {
    return image_.listWithin(prefix, limit, continuation, max_bytes);
}

Result<std::unique_ptr<Watch>> SqliteStore::watch(std::string_view prefix, Deadline deadline) {
    return image_.watch(prefix, deadline);
}

std::string SqliteStore::revision() const {
    return image_.revision();
}

Usage SqliteStore::usage() const {
    return image_.usage();
}

CommitTimes SqliteStore::commitTimes() const {
    const std::lock_guard lock(mutex_);
    return times_;
}

Result<void> SqliteStore::health() const {
    const std::lock_guard lock(mutex_);
    if (trouble_) return std::unexpected(*trouble_);
    return {};
}

Result<std::string> SqliteStore::waitFor(Request request, Deadline deadline) {
    std::promise<Result<std::string>> promise;
    auto answer = promise.get_future();
    const std::string key = request.key;
    request.done = [promise = std::move(promise)](auto outcome) mutable { promise.set_value(std::move(outcome)); };
    add(std::move(request));
    if (deadline && answer.wait_until(*deadline) != std::future_status::ready) {
        return fail(ErrorCode::TimedOut, fmt::format("write {}: not on the disk by the deadline", key));
    }
    return answer.get();
}

Result<std::string> SqliteStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                     Deadline deadline) {
    if (key.empty()) return fail(ErrorCode::InvalidArgument, "put: the key is empty");
    auto shared = std::make_shared<const std::string>(value);
    return waitFor({std::string(key), std::move(shared), precondition, nullptr}, deadline);
}

Result<void> SqliteStore::remove(std::string_view key, const Precondition& precondition, Deadline deadline) {
    auto removed = waitFor({std::string(key), nullptr, precondition, nullptr}, deadline);
    if (!removed) return std::unexpected(std::move(removed.error()));
    return {};
}

void SqliteStore::putLater(std::string key, std::string value, Precondition precondition, Done done) {
    if (key.empty()) return done(fail(ErrorCode::InvalidArgument, "put: the key is empty"));
    add({.key = std::move(key),
         .value = std::make_shared<const std::string>(std::move(value)),
         .precondition = std::move(precondition),
         .done = std::move(done)});
}

void SqliteStore::removeLater(std::string key, Precondition precondition, Done done) {
    add({.key = std::move(key), .value = nullptr, .precondition = std::move(precondition), .done = std::move(done)});
}

void SqliteStore::add(Request request) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = requests_.empty();
        requests_.push_back(std::move(request));
    }
    if (first) changed_.notify_one();
}

void SqliteStore::writeRequests() {
    nameThisThread("sqlite");
    for (auto batch = takeBatch(); !batch.empty(); batch = takeBatch())
        commitAll(batch);
}

std::vector<SqliteStore::Request> SqliteStore::takeBatch() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < std::min(kMaxBatch, requests_.size()) && bytes < kMaxBatchBytes; ++count) {
        const auto& request = requests_[count];
        bytes += request.key.size() + (request.value ? request.value->size() : 0);
    }
    if (count == requests_.size()) return std::exchange(requests_, {});
    const auto end = requests_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Request> batch(std::make_move_iterator(requests_.begin()), std::make_move_iterator(end));
    requests_.erase(requests_.begin(), end);
    return batch;
}

// What fails together is tried one by one: a value that is too large fails whoever wrote it, not the others.
void SqliteStore::commitAll(std::span<Request> batch) {
    Transaction transaction;
    auto committed = tryCommit(batch, transaction);
    if (!committed && committed.error().code == ErrorCode::Full && file_->checkpoint()) {
        transaction = {};
        committed = tryCommit(batch, transaction);
    }
    if (committed) return answer(batch, std::move(transaction.outcomes));
    if (batch.size() == 1) {
        std::vector<Result<std::string>> outcome;
        outcome.emplace_back(std::unexpected(committed.error()));
        return answer(batch, std::move(outcome));
    }
    for (std::size_t i = 0; i < batch.size(); ++i)
        commitAll(batch.subspan(i, 1));
}

Result<void> SqliteStore::tryCommit(std::span<Request> batch, Transaction& transaction) {
    const auto start = std::chrono::steady_clock::now();
    transaction.revision = revision_;
    auto result = file_->begin();
    for (std::size_t i = 0; result && i < batch.size(); ++i) {
        auto outcome = decide(batch[i], transaction);
        if (outcome) {
            const auto& change = transaction.changes.back();
            result = change.value ? file_->put(change.key, *change.value, change.version) : file_->remove(change.key);
        }
        transaction.outcomes.push_back(std::move(outcome));
    }
    const bool nothing = result && transaction.changes.empty();
    if (result && !nothing) result = file_->commit(transaction.revision);
    if (!result || nothing) file_->rollback();
    if (nothing) return result;
    note(result, std::chrono::steady_clock::now() - start);
    if (!result) return result;
    revision_ = transaction.revision;
    image_.apply(transaction.changes, revision_);
    return result;
}

// Against what is durable and what comes before it in the same transaction.
Result<std::string> SqliteStore::decide(const Request& request, Transaction& transaction) {
    std::optional<std::uint64_t> version;
    if (const auto changed = transaction.versions.find(request.key); changed != transaction.versions.end()) {
        version = changed->second;
    } else if (const auto found = image_.find(request.key)) {
        version = found->version;
    }
    const bool put = request.value != nullptr;
    if (auto checked = MemoryStore::check(put ? "put" : "remove", request.key, request.precondition, version);
        !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    const std::uint64_t given = put ? ++transaction.revision : 0;
    transaction.versions[request.key] = put ? std::optional(given) : std::nullopt;
    transaction.changes.push_back({.key = request.key, .value = request.value, .version = given});
    return put ? std::to_string(given) : std::string();
}

void SqliteStore::answer(std::span<Request> batch, std::vector<Result<std::string>> outcomes) {
    for (std::size_t i = 0; i < batch.size(); ++i)
        batch[i].done(std::move(outcomes[i]));
}

void SqliteStore::note(const Result<void>& committed, std::chrono::duration<double> took) {
    const std::lock_guard lock(mutex_);
    if (!committed) {
        trouble_ = committed.error();
        ++times_.failed;
        return;
    }
    trouble_.reset();
    const auto& bounds = CommitTimes::kBounds;
    ++times_.counts[static_cast<std::size_t>(std::ranges::lower_bound(bounds, took.count()) - bounds.begin())];
    times_.sum_seconds += took.count();
}

}  // namespace mc::metadata
