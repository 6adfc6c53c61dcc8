#pragma once

#include "base/errors.h"
#include "metadata/memory_store.h"

namespace mc::metadata {

/// A store as Mooncake's own servers are: no versions, no preconditions, no list.
class PlainStore final : public Store {
  public:
    Result<VersionedValue> get(std::string_view key, Deadline deadline) override {
        auto found = store_.get(key, deadline);
        if (found) found->version.clear();
        return found;
    }
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        if (precondition.kind != Precondition::Kind::Any) return fail(ErrorCode::Unsupported, "no preconditions");
        auto version = store_.put(key, value, precondition, deadline);
        if (version) version->clear();
        return version;
    }
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override {
        if (precondition.kind != Precondition::Kind::Any) return fail(ErrorCode::Unsupported, "no preconditions");
        return store_.remove(key, precondition, deadline);
    }
    Result<Page> list(std::string_view, std::size_t, std::string_view, Deadline) override {
        return fail(ErrorCode::Unsupported, "no list");
    }
    Result<std::unique_ptr<Watch>> watch(std::string_view, Deadline) override {
        return fail(ErrorCode::Unsupported, "no watch");
    }

  private:
    MemoryStore store_;
};

}  // namespace mc::metadata
