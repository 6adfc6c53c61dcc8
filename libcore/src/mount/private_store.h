#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "metadata/memory_store.h"
#include "metadata/store.h"

namespace mc::mount {

/// A store in which another one's values are found, and into which an engine writes what nobody else needs to see: an
/// initiator that no one looks up leaves nothing in the cluster's store, however it ends.
class PrivateStore final : public metadata::Store {
  public:
    /// The keys of `name` are never looked for in the other one.
    PrivateStore(std::shared_ptr<metadata::Store> shared, std::string name)
        : shared_(std::move(shared)), name_(std::move(name)) {}

    Result<metadata::VersionedValue> get(std::string_view key, Deadline deadline) override {
        auto own = own_.get(key, deadline);
        return own || key.ends_with("/" + name_) ? own : shared_->get(key, deadline);
    }
    Result<std::string> put(std::string_view key, std::string_view value, const metadata::Precondition& precondition,
                            Deadline deadline) override {
        return own_.put(key, value, precondition, deadline);
    }
    Result<void> remove(std::string_view key, const metadata::Precondition& precondition, Deadline deadline) override {
        return own_.remove(key, precondition, deadline);
    }
    Result<metadata::Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                                Deadline deadline) override {
        return shared_->list(prefix, limit, continuation, deadline);
    }
    Result<std::unique_ptr<metadata::Watch>> watch(std::string_view prefix, Deadline deadline) override {
        return shared_->watch(prefix, deadline);
    }

  private:
    const std::shared_ptr<metadata::Store> shared_;
    const std::string name_;
    metadata::MemoryStore own_;
};

}  // namespace mc::mount
