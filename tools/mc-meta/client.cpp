#include "mc-meta/client.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "metadata/open_store.h"
#include "metadata/store_options.h"

namespace mc::meta {

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

metadata::Precondition versionPrecondition(const config::Values& values) {
    if (!values.given("if-version")) return metadata::Precondition::any();
    return metadata::Precondition::atVersion(values.text("if-version"));
}

Error answered(Error error, const config::Values& values) {
    if (error.code == ErrorCode::Busy && values.given("if-version")) error.code = ErrorCode::Negative;
    return error;
}

Result<void> checkUtf8(std::string_view key, std::string_view text) {
    if (isUtf8(text)) return {};
    return fail(ErrorCode::BadData, fmt::format("{}: the value is not UTF-8", key), "leave out --json");
}

}  // namespace mc::meta
