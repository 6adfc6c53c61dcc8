#include "mc-meta/client.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace mc::meta {

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
