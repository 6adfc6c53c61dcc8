#include "metadata/server/request.h"

#include <gtest/gtest.h>

#include <string>

namespace mc::metadata::server {
namespace {

constexpr std::size_t kMaxKey = 16;

Head head(Method method, std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
    Head head{.method = method, .path = "/metadata"};
    for (const auto& [name, value] : parameters)
        head.query.add(name, value);
    return head;
}

unsigned refusal(const Head& head) {
    const auto request = understand(head, kMaxKey);
    return request ? 200 : request.error().status;
}

TEST(ServerRequest, UnderstandsWhatEachMethodAsks) {
    using Verb = Request::Verb;
    EXPECT_EQ(understand(head(Method::Get, {{"key", "k"}}), kMaxKey)->verb, Verb::Get);
    EXPECT_EQ(understand(head(Method::Head, {{"key", "k"}}), kMaxKey)->verb, Verb::Get);
    EXPECT_EQ(understand(head(Method::Put, {{"key", "k"}}), kMaxKey)->verb, Verb::Put);
    EXPECT_EQ(understand(head(Method::Delete, {{"key", "k"}}), kMaxKey)->verb, Verb::Remove);
    EXPECT_EQ(understand(head(Method::Get, {{"prefix", ""}}), kMaxKey)->verb, Verb::List);
    EXPECT_EQ(understand(head(Method::Get, {{"watch", "p"}, {"other", "x"}}), kMaxKey)->verb, Verb::Watch);
    const auto list = understand(head(Method::Get, {{"prefix", "p"}, {"limit", "1000"}, {"after", "pq"}}), kMaxKey);
    EXPECT_EQ(list->key, "p");
    EXPECT_EQ(list->limit, 1000);
    EXPECT_EQ(list->after, "pq");
    EXPECT_EQ(understand(head(Method::Get, {{"prefix", "p"}}), kMaxKey)->limit, 100);
}

TEST(ServerRequest, ExactlyOneOfKeyPrefixAndWatch) {
    EXPECT_EQ(refusal(head(Method::Get, {})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"limit", "3"}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"key", "k"}, {"prefix", "p"}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"prefix", "k"}, {"watch", "p"}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"key", "k"}, {"key", "k"}})), 400);
}

TEST(ServerRequest, KeysAreBoundedUtf8) {
    EXPECT_EQ(refusal(head(Method::Get, {{"key", ""}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"key", std::string_view("a\0b", 3)}})), 200);
    EXPECT_EQ(refusal(head(Method::Get, {{"key", "\xc3\xa9"}})), 200);
    EXPECT_EQ(refusal(head(Method::Get, {{"key", "\xc3"}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"prefix", "\xff"}})), 400);
    EXPECT_EQ(refusal(head(Method::Get, {{"prefix", ""}, {"after", "\xff"}})), 400);
    EXPECT_EQ(refusal(head(Method::Put, {{"key", "sixteen bytes it"}})), 200);
    EXPECT_EQ(refusal(head(Method::Put, {{"key", "seventeen bytes.."}})), 414);
    EXPECT_EQ(refusal(head(Method::Get, {{"watch", "seventeen bytes.."}})), 414);
}

TEST(ServerRequest, LimitsAreNumbersInRange) {
    for (const std::string_view limit : {"0", "1001", "-1", "", "5x", " 5", "18446744073709551617"}) {
        EXPECT_EQ(refusal(head(Method::Get, {{"prefix", ""}, {"limit", limit}})), 400) << limit;
    }
}

TEST(ServerRequest, OnlyReadsGoWithPrefixAndWatch) {
    EXPECT_EQ(refusal(head(Method::Put, {{"prefix", ""}})), 400);
    EXPECT_EQ(refusal(head(Method::Delete, {{"prefix", ""}})), 400);
    EXPECT_EQ(refusal(head(Method::Head, {{"watch", ""}})), 400);
    EXPECT_EQ(refusal(head(Method::Put, {{"watch", ""}})), 400);
    EXPECT_EQ(refusal(head(Method::Head, {{"prefix", ""}})), 200);
}

TEST(ServerRequest, ConditionsBecomePreconditions) {
    auto put = head(Method::Put, {{"key", "k"}});
    EXPECT_EQ(understand(put, kMaxKey)->precondition.kind, Precondition::Kind::Any);
    put.conditions.if_none_match = "*";
    EXPECT_EQ(understand(put, kMaxKey)->precondition.kind, Precondition::Kind::Absent);
    put.conditions = {.if_match = "\"17\""};
    EXPECT_EQ(understand(put, kMaxKey)->precondition.kind, Precondition::Kind::Version);
    EXPECT_EQ(understand(put, kMaxKey)->precondition.version, "17");
}

TEST(ServerRequest, RefusesConditionsItWouldNotKeep) {
    auto put = head(Method::Put, {{"key", "k"}});
    put.conditions = {.if_match = "\"1\"", .if_none_match = "*"};
    EXPECT_EQ(refusal(put), 400);
    for (const std::string_view tag :
         {"1", "*", "\"\"", "\"", "\"a\"", "W/\"1\"", "\"1\", \"2\"", "\"123456789012345678901\""}) {
        put.conditions = {.if_match = tag};
        EXPECT_EQ(refusal(put), 400) << tag;
    }
    put.conditions = {.if_none_match = "\"1\""};
    EXPECT_EQ(refusal(put), 400);
    auto removal = head(Method::Delete, {{"key", "k"}});
    removal.conditions = {.if_none_match = "*"};
    EXPECT_EQ(refusal(removal), 400);
}

std::string decoded(std::string text) {
    text.resize(decodePercent(text.data()));
    return text;
}

TEST(ServerRequest, DecodesPercentEncoding) {
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded("mooncake%2Fram%2f10.0.0.1%3A1"), "mooncake/ram/10.0.0.1:1");
    EXPECT_EQ(decoded("%00a%C3%a9"), std::string("\0a\xc3\xa9", 4));
    EXPECT_EQ(decoded("%2525"), "%25");
}

TEST(ServerRequest, BrokenPercentEncodingIsNoText) {
    for (const auto* text : {"%", "%4", "ok%", "ok%zz", "%g0", "%0g", "a%2", "%%20"}) {
        EXPECT_EQ(decoded(text), "\xff") << text;
    }
}

}  // namespace
}  // namespace mc::metadata::server
