#include "metadata/open_store.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/errors.h"
#include "base/text.h"
#include "metadata/etcd_endpoints.h"
#include "metadata/etcd_store.h"
#include "metadata/http_store.h"
#include "metadata/memory_store.h"
#include "metadata/redis_store.h"

namespace mc::metadata {
namespace {

constexpr std::string_view kP2pHandshake = "P2PHANDSHAKE";
constexpr std::string_view kMemory = "memory:";

// The kind of store that a URI names, of those that Mooncake knows; empty for none.
std::string_view kindOf(std::string_view uri) {
    const auto separator = uri.find("://");
    if (separator == std::string_view::npos) return isEndpointList(uri) ? "etcd" : "";
    if (separator + 3 == uri.size()) return "";
    for (const std::string_view scheme : {"http", "https", "redis", "rediss", "etcd"}) {
        if (uri.substr(0, separator) == scheme) return scheme;
    }
    return "";
}

}  // namespace

bool isP2pHandshake(std::string_view uri) {
    return uri == kP2pHandshake;
}

Result<std::unique_ptr<Store>> openStore(std::string_view uri, const StoreOptions& options) {
    if (uri == kMemory) return std::make_unique<MemoryStore>();
    if (isP2pHandshake(uri)) {
        return fail(ErrorCode::InvalidArgument, "metadata store P2PHANDSHAKE: it stands for having none");
    }
    const auto kind = kindOf(uri);
    if (kind == "http" || kind == "https") return HttpStore::open(uri, options);
    if (kind == "etcd") return EtcdStore::open(uri, options);
    if (kind == "redis") return RedisStore::open(uri, options);
    // The rest of a URI is not repeated: it may hold a password.
    if (!kind.empty()) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("metadata store {}: this build knows http://, https://, redis:// and etcd://", kind),
                    "mc-meta serve is such a server; P2PHANDSHAKE needs none");
    }
    const std::array<std::string, 2> known{std::string(kMemory), std::string(kP2pHandshake)};
    const auto meant = nearestName(uri.substr(0, 64), known);
    return fail(ErrorCode::InvalidArgument, "metadata store: neither a URL, host:port nor memory:",
                meant ? fmt::format("did you mean {}?", *meant) : "");
}

}  // namespace mc::metadata
