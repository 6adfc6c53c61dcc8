#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <istream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "common/output.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"

namespace mc::meta {
namespace {

// As much as any server could take, so that a wrong file does not fill the memory.
constexpr std::size_t kLongest = std::size_t{1} << 30;

Result<std::string> readAll(std::istream& input, std::string_view name) {
    std::string text;
    std::string block(1 << 16, '\0');
    while (input.read(block.data(), static_cast<std::streamsize>(block.size())) || input.gcount() > 0) {
        text.append(block, 0, static_cast<std::size_t>(input.gcount()));
        if (text.size() > kLongest)
            return fail(ErrorCode::BadData, fmt::format("{}: longer than {} bytes", name, kLongest));
    }
    if (input.bad()) return failErrno("read", name, errno);
    return text;
}

Result<std::string> valueFrom(const config::Values& values) {
    std::string value = values.text("value");
    if (value.starts_with('@')) {
        const std::string path = value.substr(1);
        errno = 0;
        std::ifstream file(path, std::ios::binary);
        if (!file) return failErrno("open", path, errno == 0 ? ENOENT : errno);
        return readAll(file, path);
    }
    if (values.given("value") && value != "-") return value;
    if (!values.given("value") && ::isatty(STDIN_FILENO) == 1) {
        return fail(ErrorCode::InvalidArgument, "put: no value is given",
                    "give it after the key, as @FILE, or on standard input with -");
    }
    return readAll(std::cin, "standard input");
}

}  // namespace

Result<ExitCode> runPut(const config::Values& values, tools::StopSignals& /*stop*/) {
    if (values.flag("if-absent") && values.given("if-version"))
        return std::unexpected(values.error("if-version", "can't be combined with --if-absent"));
    const std::string key = values.text("key");
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto value = valueFrom(values);
    if (!value) return std::unexpected(value.error());
    const auto precondition = values.flag("if-absent") ? metadata::Precondition::absent() : versionPrecondition(values);
    const auto version = (*store)->put(key, *value, precondition, commandDeadline(values));
    if (!version) return std::unexpected(answered(version.error(), values));
    if (!values.flag("quiet"))
        fmt::print(stderr, "put {}{}\n", key, version->empty() ? "" : fmt::format(", version {}", *version));
    if (!values.flag("json")) return ExitCode::Ok;
    using Json = nlohmann::ordered_json;
    const Json document{{"schema_version", 1},
                        {"key", key},
                        {"version", version->empty() ? Json(nullptr) : Json(*version)},
                        {"length_bytes", value->size()}};
    const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::meta
