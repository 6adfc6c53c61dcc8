#include "metadata/etcd_refusal.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "metadata/said.h"

namespace mc::metadata::etcd {
namespace {

using nlohmann::json;

// Of gRPC, as far as they mean the same wherever they come from.
enum Status {
    kInvalidArgument = 3,
    kDeadlineExceeded = 4,
    kPermissionDenied = 7,
    kResourceExhausted = 8,
    kFailedPrecondition = 9,
    kOutOfRange = 11,
    kUnimplemented = 12,
    kUnavailable = 14,
    kUnauthenticated = 16,
};

struct Meaning {
    std::string_view text;  // Part of what the server says.
    ErrorCode code;
    Remedy remedy;
    std::string_view hint;
};

constexpr std::string_view kTooLarge = "etcd takes 1.5 MiB in a request, unless its --max-request-bytes says more";
constexpr std::string_view kNameUser = "name a user (metadata_user, metadata_password_file)";

constexpr Meaning kMeanings[] = {
    {"invalid auth token", ErrorCode::NotPermitted, Remedy::NewToken, ""},
    {"revision of auth store is old", ErrorCode::NotPermitted, Remedy::NewToken, ""},
    {"user name is empty", ErrorCode::NotPermitted, Remedy::NewToken, kNameUser},
    {"user name not found", ErrorCode::NotPermitted, Remedy::NewToken, ""},
    {"authentication failed", ErrorCode::NotPermitted, Remedy::None, "are the user's name and password right?"},
    {"permission denied", ErrorCode::NotPermitted, Remedy::None,
     "does a role of the user's cover these keys? etcdctl role grant-permission"},
    {"request is too large", ErrorCode::InvalidArgument, Remedy::None, kTooLarge},
    {"received message larger than max", ErrorCode::InvalidArgument, Remedy::None, kTooLarge},
    {"database space exceeded", ErrorCode::Full, Remedy::None, "compact it, defragment it, then: etcdctl alarm disarm"},
    {"no leader", ErrorCode::Unavailable, Remedy::OtherMember, "is the majority of its members running?"},
    {"too many requests", ErrorCode::Unavailable, Remedy::OtherMember, "try again"},
    {"leader changed", ErrorCode::Unavailable, Remedy::RepeatIfRead, "try again"},
    {"request timed out", ErrorCode::TimedOut, Remedy::RepeatIfRead, "is the majority of its members running?"},
    {"required revision has been compacted", ErrorCode::Io, Remedy::None, "list the keys and watch again"},
};

const Meaning* meaningOf(std::string_view text) {
    for (const Meaning& meaning : kMeanings) {
        if (text.contains(meaning.text)) return &meaning;
    }
    return nullptr;
}

std::string plain(std::string_view text) {
    constexpr std::string_view kOwner = "etcdserver: ";
    if (text.starts_with(kOwner)) text.remove_prefix(kOwner.size());
    return shown(text);
}

Refusal refusalOf(const Meaning& meaning, std::string_view text) {
    return {.error = {meaning.code, plain(text), std::string(meaning.hint)}, .remedy = meaning.remedy};
}

Refusal refusalOf(int status, std::string_view text) {
    const auto make = [&](ErrorCode code, Remedy remedy = Remedy::None) {
        return Refusal{.error = {code, plain(text), {}}, .remedy = remedy};
    };
    switch (status) {
        case kInvalidArgument:
        case kFailedPrecondition:
        case kOutOfRange:
            return make(ErrorCode::InvalidArgument);
        case kDeadlineExceeded:
            return make(ErrorCode::TimedOut, Remedy::RepeatIfRead);
        case kPermissionDenied:
        case kUnauthenticated:
            return make(ErrorCode::NotPermitted);
        case kUnimplemented:
            return make(ErrorCode::Unsupported);
        case kResourceExhausted:
        case kUnavailable:
            return make(ErrorCode::Unavailable, Remedy::RepeatIfRead);
        default:
            return make(ErrorCode::Io);
    }
}

// The number and the text of an error of gRPC's, if that is what it is.
std::optional<std::pair<int, std::string>> errorIn(std::string_view body) {
    if (body.contains('\0')) return std::nullopt;
    const json document = json::parse(body, [](int depth, json::parse_event_t, json&) { return depth < 4; }, false);
    if (!document.is_object()) return std::nullopt;
    const json& error = document.contains("error") && document["error"].is_object() ? document["error"] : document;
    const auto code = error.find(error.contains("grpc_code") ? "grpc_code" : "code");
    const auto message = error.find("message");
    if (code == error.end() || !code->is_number_integer() || message == error.end() || !message->is_string())
        return std::nullopt;
    return std::pair{code->get<int>(), message->get<std::string>()};
}

}  // namespace

Refusal refusalOf(const HttpReply& reply) {
    const auto error = errorIn(reply.body);
    if (error && reply.status != 404) {
        const Meaning* meaning = meaningOf(error->second);
        return meaning != nullptr ? refusalOf(*meaning, error->second) : refusalOf(error->first, error->second);
    }
    if (const Meaning* meaning = meaningOf(reply.body)) return refusalOf(*meaning, reply.body);
    const auto make = [&](ErrorCode code, std::string hint = {}, Remedy remedy = Remedy::None) {
        return Refusal{.error = {code, fmt::format("it answers {}{}", reply.status, said(reply.body)), std::move(hint)},
                       .remedy = remedy};
    };
    switch (reply.status) {
        case 401:
        case 403:
        case 407:
            return make(ErrorCode::NotPermitted);
        case 404:
            return make(ErrorCode::Protocol, "is it etcd, 3.4 or newer, with its JSON gateway on?");
        case 408:
            return make(ErrorCode::TimedOut, {}, Remedy::RepeatIfRead);
        case 413:
            return make(ErrorCode::InvalidArgument, std::string(kTooLarge));
        default:
            break;
    }
    if (reply.status >= 500) return make(ErrorCode::Unavailable, {}, Remedy::RepeatIfRead);
    return make(ErrorCode::Protocol, "is it etcd that answers there?");
}

Error errorOf(std::string_view text) {
    const Meaning* meaning = meaningOf(text);
    return meaning != nullptr ? refusalOf(*meaning, text).error : Error{ErrorCode::Unavailable, plain(text), {}};
}

}  // namespace mc::metadata::etcd
