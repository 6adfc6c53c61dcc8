#include "control/file_request.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "io/file_facts.h"

namespace mc::control {
namespace {

bool exists(std::string_view path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

// "1Gig" is no size, and part of the name then.
std::string hintFor(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || exists(text) || !exists(text.substr(0, colon))) return {};
    return fmt::format("{} exists: is \"{}\" to be a size? write 4KiB, 1GiB or 512", printable(text.substr(0, colon)),
                       printable(text.substr(colon + 1)));
}

}  // namespace

Result<FileRequest> parseFileRequest(std::string_view text) {
    if (text.empty()) return fail(ErrorCode::InvalidArgument, "names no file", "write /data/f0:1GiB");
    const auto colon = text.rfind(':');
    const auto size = parseSize(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
    if (!size || exists(text)) {
        if (std::string hint = hintFor(text); !hint.empty())
            return fail(ErrorCode::InvalidArgument, "there is no such file", std::move(hint));
        return FileRequest{.path = io::absolutePath(text)};
    }
    if (colon == 0) return fail(ErrorCode::InvalidArgument, "names no file", "write /data/f0:1GiB");
    if (*size == 0) {
        return fail(ErrorCode::InvalidArgument, "a size of 0", "without a size all of the file is served");
    }
    return FileRequest{.path = io::absolutePath(text.substr(0, colon)), .size = *size};
}

std::string toString(const FileRequest& request) {
    return request.size == 0 ? request.path : fmt::format("{}:{}", request.path, formatSize(request.size));
}

}  // namespace mc::control
