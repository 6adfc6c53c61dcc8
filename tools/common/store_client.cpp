#include "common/store_client.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/errors.h"
#include "base/text.h"
#include "metadata/open_store.h"
#include "metadata/store_options.h"

namespace mc::tools {

Result<std::unique_ptr<metadata::Store>> openClient(const config::Values& values, std::string_view option) {
    const std::string server = values.text(option);
    if (metadata::isP2pHandshake(server) || server == "memory:") {
        return std::unexpected(
            values.error(option, "is no server", "give http://HOST:8080/metadata, redis://HOST or etcd://HOST"));
    }
    const auto options = metadata::storeOptionsFrom(values);
    if (!options) return std::unexpected(options.error());
    auto store = metadata::openStore(server, *options);
    if (store || store.error().code != ErrorCode::InvalidArgument) return store;
    return fail(values.error(option, "").code, store.error().message, store.error().hint);
}

Deadline commandDeadline(const config::Values& values) {
    const auto timeout = values.duration("timeout");
    if (timeout.count() == 0) return std::nullopt;
    return SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(timeout);
}

void warnIfUnguarded(const metadata::Updated& updated, const std::string& key) {
    if (updated.guarded) return;
    fmt::print(stderr,
               "warning: this metadata server knows no conditions: what somebody else changed in {} at the same moment "
               "may be lost\n",
               printable(key));
}

}  // namespace mc::tools
