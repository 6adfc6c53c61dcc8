#include "metadata/restore.h"

#include <fmt/format.h>

#include <optional>
#include <ranges>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace mc::metadata {
namespace {

using Action = RestoreStep::Action;

// Whether the store has said that it did not change anything.
bool isAnswer(ErrorCode code) {
    return code != ErrorCode::TimedOut && code != ErrorCode::Unavailable && code != ErrorCode::Protocol &&
           code != ErrorCode::Io;
}

// Changes of a store that can be taken back.
class Writes {
  public:
    Writes(Store& store, Deadline deadline) : store_(store), deadline_(deadline) {}

    Result<void> create(const DumpEntry& entry) { return put(entry, Precondition::absent(), std::nullopt); }

    Result<void> replace(const DumpEntry& entry, const std::string& version) {
        auto old = store_.get(entry.key, deadline_);
        if (!old) return std::unexpected(old.error());
        if (old->version != version) return fail(ErrorCode::Busy, "the key has been changed meanwhile");
        const auto precondition = unchanged(*old);
        return put(entry, precondition, std::move(old->value));
    }

    bool unguarded() const { return unguarded_; }

    /// Takes all changes back, the last one first. The keys with which it failed.
    std::vector<std::string> undo() {
        std::vector<std::string> failed;
        settleDoubt();
        for (const Change& change : std::views::reverse(changes_)) {
            if (!undo(change)) failed.push_back(printable(change.key));
        }
        return failed;
    }

  private:
    struct Change {
        std::string key;
        std::string version;
        std::optional<std::string> old_value;
    };
    struct Doubt {
        DumpEntry entry;
        std::optional<std::string> old_value;
    };

    Result<void> put(const DumpEntry& entry, const Precondition& precondition, std::optional<std::string> old_value) {
        auto version = unguarded_ ? store_.put(entry.key, entry.value, Precondition::any(), deadline_)
                                  : store_.put(entry.key, entry.value, precondition, deadline_);
        if (!version && version.error().code == ErrorCode::Unsupported && !unguarded_) {
            unguarded_ = true;
            version = store_.put(entry.key, entry.value, Precondition::any(), deadline_);
        }
        if (version) {
            changes_.push_back({entry.key, std::move(*version), std::move(old_value)});
            return {};
        }
        if (!isAnswer(version.error().code)) doubt_ = Doubt{entry, std::move(old_value)};
        return std::unexpected(version.error());
    }

    // A put without an answer may have been made.
    void settleDoubt() {
        if (!doubt_) return;
        auto found = store_.get(doubt_->entry.key, std::nullopt);
        if (!found || found->value != doubt_->entry.value) return;
        changes_.push_back({doubt_->entry.key, std::move(found->version), std::move(doubt_->old_value)});
    }

    bool undo(const Change& change) {
        const auto precondition =
            unguarded_ || change.version.empty() ? Precondition::any() : Precondition::atVersion(change.version);
        if (change.old_value) return store_.put(change.key, *change.old_value, precondition, std::nullopt).has_value();
        return store_.remove(change.key, precondition, std::nullopt).has_value();
    }

    Store& store_;
    Deadline deadline_;
    bool unguarded_ = false;
    std::vector<Change> changes_;
    std::optional<Doubt> doubt_;
};

Result<RestoreStep> stepFor(const DumpEntry& entry, Store& store, IfExists if_exists, Deadline deadline) {
    const auto found = store.get(entry.key, deadline);
    if (!found && found.error().code == ErrorCode::NotFound) return RestoreStep{Action::Create, entry.key, {}};
    if (!found) return std::unexpected(wrap(printable(entry.key), found.error()));
    if (found->value == entry.value) return RestoreStep{Action::Unchanged, entry.key, {}};
    switch (if_exists) {
        case IfExists::Fail:
            return RestoreStep{Action::Conflict, entry.key, {}};
        case IfExists::Keep:
            return RestoreStep{Action::Keep, entry.key, {}};
        case IfExists::Replace:
            return RestoreStep{Action::Replace, entry.key, found->version};
    }
    std::unreachable();
}

Result<void> apply(DumpReader& dump, const std::vector<RestoreStep>& plan, Writes& writes,
                   const std::stop_token& stop) {
    for (const RestoreStep& step : plan) {
        if (stop.stop_requested()) return fail(ErrorCode::Negative, "stopped");
        const auto entry = dump.next();
        if (!entry) return std::unexpected(entry.error());
        if (!*entry || (*entry)->key != step.key)
            return fail(ErrorCode::BadData, "the dump has been changed meanwhile");
        Result<void> done;
        if (step.action == Action::Create) done = writes.create(**entry);
        if (step.action == Action::Replace) done = writes.replace(**entry, step.version);
        if (!done) return std::unexpected(wrap(printable(step.key), done.error()));
    }
    return {};
}

}  // namespace

const char* toString(Action action) {
    switch (action) {
        case Action::Create:
            return "create";
        case Action::Replace:
            return "replace";
        case Action::Keep:
            return "keep";
        case Action::Unchanged:
            return "unchanged";
        case Action::Conflict:
            return "conflict";
    }
    std::unreachable();
}

Result<std::vector<RestoreStep>> planRestore(DumpReader& dump, Store& store, IfExists if_exists, Deadline deadline,
                                             const std::stop_token& stop) {
    std::vector<RestoreStep> plan;
    while (!stop.stop_requested()) {
        const auto entry = dump.next();
        if (!entry) return std::unexpected(entry.error());
        if (!*entry) break;
        auto step = stepFor(**entry, store, if_exists, deadline);
        if (!step) return std::unexpected(step.error());
        plan.push_back(std::move(*step));
    }
    return plan;
}

Result<Restored> applyRestore(DumpReader& dump, const std::vector<RestoreStep>& plan, Store& store, Deadline deadline,
                              const std::stop_token& stop) {
    Writes writes(store, deadline);
    auto done = apply(dump, plan, writes, stop);
    if (done) return Restored{writes.unguarded()};
    const auto left = writes.undo();
    done.error().message +=
        left.empty() ? "; nothing was changed" : fmt::format("; not put back: {}", join(left, ", "));
    return std::unexpected(done.error());
}

}  // namespace mc::metadata
