#pragma once

#include "base/errors.h"
#include "metadata/memory_store.h"

namespace mc::test {

/// A store as Mooncake's stock HTTP servers are: no versions, no preconditions, no list; keys of rpc_meta are not
/// overwritten.
class PlainStore : public metadata::MemoryStore {
  public:
    Result<metadata::VersionedValue> get(std::string_view key, Deadline deadline) override {
        auto value = MemoryStore::get(key, deadline);
        if (value) value->version.clear();
        return value;
    }
    Result<std::string> put(std::string_view key, std::string_view value, const metadata::Precondition& precondition,
                            Deadline deadline) override {
        if (precondition.kind != metadata::Precondition::Kind::Any)
            return fail(ErrorCode::Unsupported, "put: no preconditions");
        if (key.contains("rpc_meta") && MemoryStore::get(key, deadline))
            return fail(ErrorCode::AlreadyExists, "put: Duplicate rpc_meta key not allowed");
        const auto written = MemoryStore::put(key, value, precondition, deadline);
        if (!written) return written;
        return std::string();
    }
    Result<void> remove(std::string_view key, const metadata::Precondition& precondition, Deadline deadline) override {
        if (precondition.kind != metadata::Precondition::Kind::Any)
            return fail(ErrorCode::Unsupported, "remove: no preconditions");
        return MemoryStore::remove(key, precondition, deadline);
    }
};

}  // namespace mc::test
