#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "metadata/store.h"

/// The requests of etcd's JSON gateway: bytes as base64, 64-bit integers as strings.
namespace mc::metadata::etcd {

std::string getRequest(std::string_view key);
std::string putRequest(std::string_view key, std::string_view value);
std::string removeRequest(std::string_view key);

/// At most `limit` keys below `prefix` after the key `after`.
struct Listing {
    std::string_view prefix;
    std::string_view after;
    std::size_t limit = 0;
    bool values = true;
};
std::string listRequest(const Listing& listing);

/// A transaction: under a precondition that is not Any; its version must be isRevision().
std::string putTransaction(std::string_view key, std::string_view value, const Precondition& precondition);
std::string removeTransaction(std::string_view key, std::string_view version);

/// A version as this store gives them: a revision above 0.
bool isRevision(std::string_view version);

/// Every change below `prefix` from revision `first` on.
std::string watchRequest(std::string_view prefix, std::int64_t first);

std::string authenticateRequest(std::string_view username, std::string_view password);

}  // namespace mc::metadata::etcd
