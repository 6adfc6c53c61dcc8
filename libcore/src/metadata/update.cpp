#include "metadata/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <thread>

#include "base/errors.h"

namespace mc::metadata {
namespace {

// Each failure is somebody else's success, so that only a crowd gets there.
constexpr int kAttempts = 500;
constexpr int kLongestPauseMs = 32;

// So that a crowd does not meet again at once.
void pauseAfter(int failures) {
    thread_local std::minstd_rand random(std::random_device{}());
    std::uniform_int_distribution<int> pause(0, std::min(failures, kLongestPauseMs));
    std::this_thread::sleep_for(std::chrono::milliseconds(pause(random)));
}

/// Nothing where somebody else was faster.
using Attempt = Result<std::optional<Updated>>;

Attempt lostOr(const Error& error, bool lost) {
    if (lost) return std::nullopt;
    return std::unexpected(error);
}

Attempt putPlainly(Store& store, std::string_view key, const Change& change, Deadline deadline) {
    auto version = store.put(key, change.value, Precondition::any(), deadline);
    if (!version) return std::unexpected(version.error());
    return Updated{.done = change.kind, .version = std::move(*version), .guarded = false};
}

Attempt put(Store& store, std::string_view key, const Change& change, const VersionedValue* current,
            Deadline deadline) {
    if (current != nullptr && current->version.empty()) return putPlainly(store, key, change, deadline);
    const auto precondition = current == nullptr ? Precondition::absent() : unchanged(*current);
    auto version = store.put(key, change.value, precondition, deadline);
    if (version) return Updated{.done = change.kind, .version = std::move(*version), .guarded = true};
    const ErrorCode code = version.error().code;
    if (code == ErrorCode::Unsupported && current == nullptr) return putPlainly(store, key, change, deadline);
    return lostOr(version.error(), code == (current == nullptr ? ErrorCode::AlreadyExists : ErrorCode::Busy));
}

Attempt remove(Store& store, std::string_view key, const VersionedValue& current, Deadline deadline) {
    Updated removed{.done = Change::Kind::Remove, .version = {}, .guarded = !current.version.empty()};
    auto done = store.remove(key, unchanged(current), deadline);
    if (done) return removed;
    return lostOr(done.error(), done.error().code == ErrorCode::Busy || done.error().code == ErrorCode::NotFound);
}

Attempt tryToUpdate(Store& store, std::string_view key, const Edit& edit, Deadline deadline) {
    const auto found = store.get(key, deadline);
    if (!found && found.error().code != ErrorCode::NotFound) return std::unexpected(found.error());
    const VersionedValue* const current = found ? &*found : nullptr;
    const auto change = edit(current);
    if (!change) return std::unexpected(change.error());
    if (change->kind == Change::Kind::Put) return put(store, key, *change, current, deadline);
    if (change->kind == Change::Kind::Remove && current != nullptr) return remove(store, key, *current, deadline);
    return Updated{.done = Change::Kind::None, .version = current == nullptr ? "" : current->version, .guarded = true};
}

}  // namespace

Result<Updated> preview(Store& store, std::string_view key, const Edit& edit, Deadline deadline) {
    const auto found = store.get(key, deadline);
    if (!found && found.error().code != ErrorCode::NotFound) return std::unexpected(found.error());
    const auto change = edit(found ? &*found : nullptr);
    if (!change) return std::unexpected(change.error());
    return Updated{.done = change->kind, .version = found ? found->version : "", .guarded = true};
}

Result<Updated> update(Store& store, std::string_view key, const Edit& edit, Deadline deadline) {
    for (int failures = 0; failures < kAttempts; ++failures) {
        if (failures > 0) pauseAfter(failures);
        auto attempt = tryToUpdate(store, key, edit, deadline);
        if (!attempt) return std::unexpected(attempt.error());
        if (*attempt) return std::move(**attempt);
        if (deadline && SteadyClock::now() >= *deadline)
            return fail(ErrorCode::TimedOut, fmt::format("{}: others changed it until the deadline", key));
    }
    return fail(ErrorCode::Busy, fmt::format("{}: others changed it {} times meanwhile", key, kAttempts));
}

}  // namespace mc::metadata
