#include "metadata/memory_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/errors.h"
#include "base/units.h"

namespace mc::metadata {
namespace {

// What an entry takes besides its key and value, about: nodes, counters, what the allocator adds.
constexpr std::uint64_t kEntryBytes = 160;

class QueueWatch : public Watch {
  public:
    explicit QueueWatch(std::shared_ptr<WatchQueue> queue) : queue_(std::move(queue)) {}

    Result<std::optional<Event>> next(Deadline deadline) override { return queue_->take(deadline); }
    void cancel() override { queue_->cancel(); }

  private:
    const std::shared_ptr<WatchQueue> queue_;
};

std::uint64_t timeOfDay() {
    using std::chrono::nanoseconds;
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(since).count());
}

Result<void> checkKey(std::string_view operation, std::string_view key) {
    if (!key.empty()) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: the key is empty", operation));
}

}  // namespace

MemoryStore::MemoryStore() : MemoryStore(std::numeric_limits<std::uint64_t>::max()) {}

MemoryStore::MemoryStore(std::uint64_t max_bytes) : max_bytes_(max_bytes), last_version_(timeOfDay()) {}

MemoryStore::~MemoryStore() {
    for (const auto& watch : watches_) {
        if (const auto queue = watch.lock()) queue->close();
    }
}

std::optional<SharedValue> MemoryStore::find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

Result<VersionedValue> MemoryStore::get(std::string_view key, Deadline /*deadline*/) {
    const auto found = find(key);
    if (!found) return fail(ErrorCode::NotFound, fmt::format("get {}: no such key", key));
    return VersionedValue{*found->value, std::to_string(found->version)};
}

Result<std::string> MemoryStore::put(std::string_view key, std::string_view value, const Precondition& precondition,
                                     Deadline /*deadline*/) {
    if (auto checked = checkKey("put", key); !checked) return std::unexpected(checked.error());
    // Also holds the value that is replaced, so that it is freed after the lock.
    auto shared = std::make_shared<const std::string>(value);
    std::string name(key);
    Result<std::uint64_t> version;
    {
        const std::lock_guard lock(mutex_);
        version = write(std::move(name), shared, precondition);
    }
    if (!version) return std::unexpected(std::move(version.error()));
    return std::to_string(*version);
}

void MemoryStore::putLater(std::string key, std::string value, Precondition precondition, Done done) {
    if (auto checked = checkKey("put", key); !checked) return done(std::unexpected(checked.error()));
    auto shared = std::make_shared<const std::string>(std::move(value));
    Result<std::uint64_t> version;
    {
        const std::lock_guard lock(mutex_);
        version = write(std::move(key), shared, precondition);
    }
    if (!version) return done(std::unexpected(std::move(version.error())));
    done(std::to_string(*version));
}

Result<void> MemoryStore::remove(std::string_view key, const Precondition& precondition, Deadline /*deadline*/) {
    SharedValue freed_after_the_lock;
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    const auto version = found == values_.end() ? std::nullopt : std::optional(found->second.version);
    if (auto checked = check("remove", key, precondition, version); !checked) return checked;
    freed_after_the_lock = found->second;
    erase(found);
    return {};
}

void MemoryStore::removeLater(std::string key, Precondition precondition, Done done) {
    auto removed = remove(key, precondition, std::nullopt);
    if (!removed) return done(std::unexpected(std::move(removed.error())));
    done(std::string());
}

Result<void> MemoryStore::check(std::string_view operation, std::string_view key, const Precondition& precondition,
                                std::optional<std::uint64_t> version) {
    const bool removal = operation == "remove";
    switch (precondition.kind) {
        case Precondition::Kind::Any:
            if (!removal || version) return {};
            return fail(ErrorCode::NotFound, fmt::format("remove {}: no such key", key));
        case Precondition::Kind::Absent:
            if (removal) {
                return fail(ErrorCode::InvalidArgument,
                            fmt::format("remove {}: under the condition that it is absent", key));
            }
            if (!version) return {};
            return fail(ErrorCode::AlreadyExists, fmt::format("put {}: the key exists", key));
        case Precondition::Kind::Version:
            if (version && std::to_string(*version) == precondition.version) return {};
            return fail(ErrorCode::Busy,
                        fmt::format("{} {}: the key {} since version {}", operation, key,
                                    version ? "was written" : "was removed", precondition.version),
                        "read it again and retry");
    }
    return {};
}

Result<Page> MemoryStore::list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                               Deadline /*deadline*/) {
    return listWithin(prefix, limit, continuation, std::numeric_limits<std::size_t>::max());
}

Result<Page> MemoryStore::listWithin(std::string_view prefix, std::size_t limit, std::string_view continuation,
                                     std::size_t max_bytes) {
    if (limit == 0) return fail(ErrorCode::InvalidArgument, fmt::format("list {}: a limit of 0", prefix));
    // A continuation is the last key of the page before.
    if (!continuation.empty() && !continuation.starts_with(prefix)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("list {}: the continuation {} is of another listing", prefix, continuation));
    }
    Page page;
    std::size_t bytes = 0;
    const std::lock_guard lock(mutex_);
    auto entry = continuation.empty() ? values_.lower_bound(prefix) : values_.upper_bound(continuation);
    for (; entry != values_.end() && entry->first.starts_with(prefix); ++entry) {
        const auto& [key, found] = *entry;
        bytes += key.size() + found.value->size();
        if (page.items.size() == limit || (bytes > max_bytes && !page.items.empty())) {
            page.continuation = page.items.back().key;
            break;
        }
        page.items.push_back({key, *found.value, std::to_string(found.version)});
    }
    return page;
}

Result<std::unique_ptr<Watch>> MemoryStore::watch(std::string_view prefix, Deadline /*deadline*/) {
    auto queue = std::make_shared<WatchQueue>(prefix);
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [](const auto& watch) { return watch.expired(); });
    watches_.push_back(queue);
    return std::make_unique<QueueWatch>(std::move(queue));
}

std::string MemoryStore::revision() const {
    const std::lock_guard lock(mutex_);
    return std::to_string(last_version_);
}

Usage MemoryStore::usage() const {
    const std::lock_guard lock(mutex_);
    return {.keys = values_.size(), .bytes = bytes_};
}

void MemoryStore::apply(std::span<const Change> changes, std::uint64_t revision) {
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes) {
        const auto found = values_.find(change.key);
        if (change.value) {
            auto value = change.value;
            set(found, std::string(change.key), value, change.version);
        } else if (found != values_.end()) {
            erase(found);
        }
    }
    last_version_ = revision;
}

Result<std::uint64_t> MemoryStore::write(std::string&& key, std::shared_ptr<const std::string>& value,
                                         const Precondition& precondition) {
    const auto found = values_.find(key);
    const auto old = found == values_.end() ? std::nullopt : std::optional(found->second.version);
    if (auto checked = check("put", key, precondition, old); !checked) return std::unexpected(checked.error());
    const std::uint64_t freed = old ? kEntryBytes + key.size() + found->second.value->size() : 0;
    const std::uint64_t taken = kEntryBytes + key.size() + value->size();
    const std::uint64_t used = bytes_ + (values_.size() * kEntryBytes);
    if (taken > freed && taken - freed > max_bytes_ - std::min(used, max_bytes_)) {
        return fail(ErrorCode::Full,
                    fmt::format("put {}: the store is full: it may take {}", key, formatSize(max_bytes_)));
    }
    set(found, std::move(key), value, ++last_version_);
    return last_version_;
}

void MemoryStore::set(Values::iterator found, std::string&& key, std::shared_ptr<const std::string>& value,
                      std::uint64_t version) {
    bytes_ += value->size();
    if (found == values_.end()) {
        bytes_ += key.size();
        found = values_.emplace(std::move(key), SharedValue{std::move(value), version}).first;
    } else {
        bytes_ -= found->second.value->size();
        std::swap(found->second.value, value);
        found->second.version = version;
    }
    publish(Event::Kind::Put, found->first, found->second);
}

void MemoryStore::erase(Values::iterator entry) {
    bytes_ -= entry->first.size() + entry->second.value->size();
    const auto gone = values_.extract(entry);
    publish(Event::Kind::Remove, gone.key(), {});
}

void MemoryStore::publish(Event::Kind kind, std::string_view key, const SharedValue& value) {
    for (const auto& watch : watches_) {
        const auto queue = watch.lock();
        if (!queue || !queue->wants(key)) continue;
        if (kind == Event::Kind::Put) {
            queue->add({kind, {std::string(key), *value.value, std::to_string(value.version)}});
        } else {
            queue->add({kind, {std::string(key), {}, {}}});
        }
    }
}

}  // namespace mc::metadata
