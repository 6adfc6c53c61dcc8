#include "segment/descriptor_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "segment/descriptor_members.h"
#include "segment/other_members.h"

namespace mc {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = std::size_t{128} << 20;  // The longest message of Mooncake's handshake.
constexpr std::size_t kMaxElements = 1'000'000;           // Of one array: buffers, keys, names.

std::string_view nameOf(MemberType type) {
    switch (type) {
        case MemberType::Text:
            return "a string";
        case MemberType::Unsigned:
            return "an unsigned integer";
        case MemberType::Integer:
            return "an integer";
        case MemberType::Object:
            return "an object";
        case MemberType::Array:
            return "an array";
    }
    return "";
}

// The parser's own words end with the last token, which is as long as the text's author likes.
std::string_view reasonOf(std::string_view what) {
    if (const auto prefix = what.find("] "); prefix != std::string_view::npos) what.remove_prefix(prefix + 2);
    if (const auto colon = what.find(": "); colon != std::string_view::npos) what.remove_prefix(colon + 2);
    what = what.substr(0, what.find("; last read"));
    return what.substr(0, 160);
}

/// Takes the parser's events, finds each value's place in the table of members and stores it.
class Reader final : public nlohmann::json_sax<json> {
  public:
    Reader(std::string_view subject, Node root) : subject_(subject), root_(root) {}

    // A member that is null is as good as missing.
    bool null() override {
        const bool member = skipped_ == 0 && !frames_.empty() && !frames_.back().array;
        return (member && isKnown(frames_.back())) || unwanted("null", "null");
    }
    bool boolean(bool value) override { return unwanted("a boolean", value ? "true" : "false"); }
    bool number_unsigned(std::uint64_t value) override;
    bool number_integer(std::int64_t value) override;
    bool number_float(double, const std::string& digits) override {
        const bool whole = digits.find_first_not_of("-0123456789") == std::string::npos;
        return unwanted(whole ? "a number beyond 64 bits" : "a number with a fraction or an exponent", digits);
    }
    bool string(std::string& value) override;
    bool binary(json::binary_t&) override { return true; }  // Not in text.
    bool start_object(std::size_t) override { return start(MemberType::Object); }
    bool key(std::string& name) override {
        if (skipped_ == 0) {
            frames_.back().slot.key = std::move(name);
        } else {
            others_.key(name);
        }
        return true;
    }
    bool end_object() override { return end('}'); }
    bool start_array(std::size_t) override { return start(MemberType::Array); }
    bool end_array() override { return end(']'); }
    bool parse_error(std::size_t position, const std::string&, const json::exception& cause) override {
        error_ = {ErrorCode::BadData,
                  fmt::format("{}: malformed JSON at byte {}: {}", subject_, position, reasonOf(cause.what())),
                  {}};
        return false;
    }

    Error takeError() { return std::move(error_); }
    RawDescriptor takeRaw() { return std::move(raw_); }

  private:
    struct Frame {
        Node node;
        bool array;
        Slot slot;
        std::size_t count = 0;
    };
    // No value: an error was noted. Null: nothing that we know, skip it.
    using Found = std::optional<const Member*>;

    Found find(std::initializer_list<MemberType> types, std::string_view got);
    static bool isKnown(const Frame& frame);
    // A value of a type that no member has: an error where a known one stands, else it is another's.
    bool unwanted(std::string_view got, std::string_view text);
    void beginOther();
    OtherMembers* othersOf(Node node);
    bool start(MemberType type);
    bool end(char bracket);
    bool reject(std::string_view what);
    std::string path() const;

    std::string_view subject_;
    Node root_;
    RawDescriptor raw_;
    std::vector<Frame> frames_;  // What is open, outermost first; the last one's slot is the current value's place.
    std::size_t skipped_ = 0;    // How deep within a value that is in no table.
    OtherMembersReader others_;
    Error error_;
};

Reader::Found Reader::find(std::initializer_list<MemberType> types, std::string_view got) {
    if (frames_.empty()) {
        reject(fmt::format("expected an object, got {}", got));
        return std::nullopt;
    }
    Frame& frame = frames_.back();
    if (frame.array) {
        const std::size_t limit = frame.node == Node::MatrixEntry ? 2 : kMaxElements;
        if (frame.count == limit) {
            frame.slot.index = limit;
            reject(fmt::format("more than {} elements", limit));
            return std::nullopt;
        }
        frame.slot.index = frame.count++;
    }
    std::string expected;
    for (const Member& member : descriptorMembers()) {
        if (member.parent != frame.node || (!member.key.empty() && member.key != frame.slot.key)) continue;
        if (std::ranges::find(types, member.type) != types.end()) return &member;
        expected += fmt::format("{}{}", expected.empty() ? "" : " or ", nameOf(member.type));
    }
    if (expected.empty()) return nullptr;
    reject(fmt::format("expected {}, got {}", expected, got));
    return std::nullopt;
}

bool Reader::isKnown(const Frame& frame) {
    return std::ranges::any_of(descriptorMembers(), [&](const Member& member) {
        return member.parent == frame.node && (member.key.empty() || member.key == frame.slot.key);
    });
}

OtherMembers* Reader::othersOf(Node node) {
    switch (node) {
        case Node::Descriptor:
            return &raw_.descriptor.others;
        case Node::Buffer:
            return &raw_.descriptor.buffers.back().others;
        case Node::FileBuffer:
            return &raw_.descriptor.file_buffers.back().others;
        default:
            return nullptr;
    }
}

void Reader::beginOther() {
    others_.begin(othersOf(frames_.back().node), frames_.back().slot.key);
}

bool Reader::unwanted(std::string_view got, std::string_view text) {
    if (skipped_ == 0) {
        if (!find({}, got)) return false;
        beginOther();
    }
    others_.scalar(text);
    return true;
}

bool Reader::string(std::string& value) {
    if (skipped_ == 0) {
        const Found found = find({MemberType::Text}, "a string");
        if (!found) return false;
        if (*found) {
            (*found)->text(raw_, frames_.back().slot, std::move(value));
            return true;
        }
        beginOther();
    }
    others_.string(value);
    return true;
}

bool Reader::number_unsigned(std::uint64_t value) {
    const Found found = skipped_ > 0 ? Found(nullptr) : find({MemberType::Unsigned, MemberType::Integer}, "a number");
    if (!found) return false;
    if (!*found) {
        if (skipped_ == 0) beginOther();
        others_.scalar(fmt::to_string(value));
        return true;
    }
    const Member& member = **found;
    if (value > member.max) return reject(fmt::format("expected at most {}, got {}", member.max, value));
    if (member.type == MemberType::Integer) {
        member.integer(raw_, static_cast<int>(value));
    } else {
        member.number(raw_, value);
    }
    return true;
}

bool Reader::number_integer(std::int64_t value) {
    if (value >= 0) return number_unsigned(static_cast<std::uint64_t>(value));  // "-0"
    const Found found = skipped_ > 0 ? Found(nullptr) : find({MemberType::Integer}, "a negative number");
    if (!found) return false;
    if (!*found) {
        if (skipped_ == 0) beginOther();
        others_.scalar(fmt::to_string(value));
        return true;
    }
    constexpr int kMin = std::numeric_limits<int>::min();
    if (value < kMin) return reject(fmt::format("expected at least {}, got {}", kMin, value));
    (*found)->integer(raw_, static_cast<int>(value));
    return true;
}

bool Reader::start(MemberType type) {
    const char bracket = type == MemberType::Array ? '[' : '{';
    if (skipped_ > 0) {
        ++skipped_;
        others_.open(bracket);
        return true;
    }
    if (frames_.empty() && type == MemberType::Object) {
        frames_.push_back({root_, false, {}, 0});
        return true;
    }
    const Found found = find({type}, nameOf(type));
    if (!found) return false;
    if (!*found) {
        skipped_ = 1;
        beginOther();
        others_.open(bracket);
        return true;
    }
    (*found)->open(raw_, frames_.back().slot);
    frames_.push_back({(*found)->child, type == MemberType::Array, {}, 0});
    return true;
}

bool Reader::end(char bracket) {
    if (skipped_ > 0) {
        --skipped_;
        others_.close(bracket);
        return true;
    }
    if (OtherMembers* const others = othersOf(frames_.back().node)) finishOtherMembers(*others);
    const Frame closed = std::move(frames_.back());
    frames_.pop_back();
    if (closed.node == Node::MatrixEntry && closed.count == 0) {
        return reject("neither a list of preferred nor one of available devices");
    }
    return true;
}

bool Reader::reject(std::string_view what) {
    const std::string where = path();
    error_ = {ErrorCode::BadData, fmt::format("{}: {}{}{}", subject_, where, where.empty() ? "" : ": ", what), {}};
    return false;
}

std::string Reader::path() const {
    std::string path;
    for (const Frame& frame : frames_) {
        if (frame.array) {
            path += fmt::format("[{}]", frame.slot.index);
        } else {
            path += fmt::format("{}{}", path.empty() ? "" : ".", excerpt(frame.slot.key));
        }
    }
    return path;
}

Result<RawDescriptor> read(std::string_view json_text, std::string_view subject, Node root) {
    if (json_text.size() > kMaxText) {
        return fail(ErrorCode::BadData,
                    fmt::format("{}: {} bytes, at most {} are read", subject, json_text.size(), kMaxText));
    }
    // The parser takes a NUL for the end of its input.
    if (const auto nul = json_text.find('\0'); nul != std::string_view::npos) {
        return fail(ErrorCode::BadData, fmt::format("{}: malformed JSON at byte {}: a NUL byte", subject, nul + 1));
    }
    try {
        Reader reader(subject, root);
        if (!json::sax_parse(json_text, &reader)) return std::unexpected(reader.takeError());
        return reader.takeRaw();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::System, fmt::format("{}: out of memory", subject));
    }
}

}  // namespace

std::string excerpt(std::string_view text) {
    constexpr std::size_t kMaxShown = 64;
    std::string shown(text.substr(0, kMaxShown));
    if (shown.size() < text.size()) {
        // Not within a character.
        while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80)
            shown.pop_back();
        shown += "...";
    }
    std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return shown;
}

Result<RawDescriptor> readDescriptorText(std::string_view text) {
    return read(text, "segment descriptor", Node::Descriptor);
}

Result<PriorityMatrix> readPriorityMatrixText(std::string_view text) {
    auto raw = read(text, "priority matrix", Node::Matrix);
    if (!raw) return std::unexpected(std::move(raw.error()));
    return std::move(raw->descriptor.priority_matrix);
}

}  // namespace mc
