#pragma once

#include <string_view>
#include <utility>

#include "mc/error.h"

namespace mc {

/// `return fail(ErrorCode::NotFound, "segment node1: not published", "is its owner running?");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
    return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

/// "open /data/f0: No such file or directory", with the code that fits errno `number`.
Error systemError(std::string_view operation, std::string_view object, int number);

inline std::unexpected<Error> failErrno(std::string_view operation, std::string_view object, int number) {
    return std::unexpected(systemError(operation, object, number));
}

/// The same error seen from further out: "context: message".
Error wrap(std::string_view context, Error error);

}  // namespace mc
