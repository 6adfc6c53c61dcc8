#include "metadata/dump.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/errors.h"
#include "base/text.h"
#include "base/utf8.h"
#include "metadata/pages.h"

namespace mc::metadata {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "mc-meta dump";
constexpr int kSchemaVersion = 1;

void setText(Json& line, const std::string& member, std::string_view text) {
    if (isUtf8(text)) {
        line[member] = text;
    } else {
        line[member + "_base64"] = base64Encoded(text);
    }
}

// Of a member, or of its base64 form; nothing if there is neither, or both.
std::optional<std::string> textOf(const Json& line, const std::string& member) {
    const auto plain = line.find(member);
    const auto encoded = line.find(member + "_base64");
    if ((plain == line.end()) == (encoded == line.end())) return std::nullopt;
    const Json& found = plain != line.end() ? *plain : *encoded;
    if (!found.is_string()) return std::nullopt;
    if (plain != line.end()) return found.get<std::string>();
    return base64Decoded(found.get_ref<const std::string&>());
}

}  // namespace

std::string dumpHeader(std::string_view prefix) {
    Json line{{"format", kFormat}, {"schema_version", kSchemaVersion}};
    setText(line, "prefix", prefix);
    return line.dump() + "\n";
}

std::string dumpLine(std::string_view key, std::string_view value) {
    Json line;
    setText(line, "key", key);
    setText(line, "value", value);
    return line.dump() + "\n";
}

std::string dumpEnd(std::uint64_t entries) {
    return Json{{"entries", entries}}.dump() + "\n";
}

Result<std::uint64_t> writeDump(Store& store, std::string_view prefix,
                                const std::function<Result<void>(std::string_view)>& sink, Deadline deadline,
                                const std::stop_token& stop) {
    std::uint64_t entries = 0;
    std::string text = dumpHeader(prefix);
    const auto take = [&](Page& page) -> Result<bool> {
        for (const auto& item : page.items)
            text += dumpLine(item.key, item.value);
        entries += page.items.size();
        if (page.continuation.empty()) text += dumpEnd(entries);
        if (auto taken = sink(text); !taken) return std::unexpected(taken.error());
        text.clear();
        return true;
    };
    const auto listed = forEachPage(store, {.prefix = prefix, .deadline = deadline, .stop = stop}, take);
    if (!listed) return std::unexpected(listed.error());
    return entries;
}

std::unexpected<Error> DumpReader::complain(std::string_view problem, std::string hint) const {
    return fail(ErrorCode::BadData, fmt::format("{}:{}: {}", name_, line_, problem), std::move(hint));
}

Result<std::string> DumpReader::line() {
    std::string text;
    ++line_;
    if (std::getline(stream_, text) && !stream_.eof()) return text;
    if (stream_.bad()) return fail(ErrorCode::Io, fmt::format("{}: can't be read", name_));
    return complain("the dump is cut off", "take another one: this may lack keys");
}

Result<void> DumpReader::header() {
    const auto text = line();
    if (!text) return std::unexpected(text.error());
    const auto parsed = Json::parse(*text, nullptr, false);
    if (!parsed.is_object() || parsed.value("format", Json()) != kFormat)
        return complain("this is no dump", "mc-meta dump makes one");
    if (parsed.value("schema_version", Json()) != kSchemaVersion)
        return complain("the dump has another schema_version than 1", "a newer mc-meta has made it");
    return {};
}

Result<void> DumpReader::end(std::uint64_t entries) {
    if (entries != entries_) return complain(fmt::format("{} entries are told, {} are there", entries, entries_));
    if (stream_.peek() != std::istream::traits_type::eof()) {
        ++line_;
        return complain("something follows the end of the dump");
    }
    return {};
}

Result<std::optional<DumpEntry>> DumpReader::next() {
    if (line_ == 0) {
        if (auto begun = header(); !begun) return std::unexpected(begun.error());
    }
    const auto text = line();
    if (!text) return std::unexpected(text.error());
    const auto parsed = Json::parse(*text, nullptr, false);
    if (!parsed.is_object()) return complain("malformed JSON");
    if (const auto entries = parsed.find("entries"); entries != parsed.end()) {
        if (!entries->is_number_unsigned()) return complain("entries is no number");
        if (auto ended = end(entries->get<std::uint64_t>()); !ended) return std::unexpected(ended.error());
        return std::nullopt;
    }
    auto key = textOf(parsed, "key");
    auto value = textOf(parsed, "value");
    if (!key || key->empty() || !value) return complain("an entry has key and value, or their base64 forms");
    if (entries_ > 0 && *key <= last_key_)
        return complain(fmt::format("{}: out of order, or there twice", printable(*key)), "entries are sorted by key");
    ++entries_;
    last_key_ = *key;
    return DumpEntry{std::move(*key), std::move(*value)};
}

}  // namespace mc::metadata
