#include "metadata/http_replies.h"

#include <gmock/gmock.h>

namespace mc::metadata {
namespace {

using testing::HasSubstr;
using testing::Not;

Error refusal(long status, std::string body, bool extended = false, std::string_view operation = "put",
              std::string_view key = "k") {
    return errorOf({.operation = operation, .key = key, .shown_url = "http://h/metadata"},
                   {.status = status, .extended = extended, .etag = {}, .location = {}, .body = std::move(body)});
}

TEST(HttpReplies, EveryStatusHasItsError) {
    EXPECT_EQ(refusal(400, "bad key").code, ErrorCode::InvalidArgument);
    EXPECT_EQ(refusal(401, "").code, ErrorCode::NotPermitted);
    EXPECT_EQ(refusal(405, "").code, ErrorCode::Unsupported);
    EXPECT_EQ(refusal(413, "").code, ErrorCode::InvalidArgument);
    EXPECT_EQ(refusal(429, "").code, ErrorCode::Unavailable);
    EXPECT_EQ(refusal(500, "").code, ErrorCode::Io);
    EXPECT_EQ(refusal(503, "too many connections").code, ErrorCode::Unavailable);
    EXPECT_EQ(refusal(507, "disk full").code, ErrorCode::Full);
    EXPECT_EQ(refusal(302, "").code, ErrorCode::Unavailable);
    EXPECT_EQ(refusal(204, "").code, ErrorCode::Protocol);
    EXPECT_EQ(refusal(412, "").code, ErrorCode::Busy);
    EXPECT_EQ(refusal(503, "too many connections").message,
              "put k: metadata server http://h/metadata: it answers 503 (too many connections)");
}

TEST(HttpReplies, AMissingKeyIsToldFromAWrongPath) {
    EXPECT_EQ(refusal(404, "metadata not found", false, "get").message, "get k: no such key");
    EXPECT_EQ(refusal(404, "metadata not found\n", true, "remove").message, "remove k: no such key");
    const auto other = refusal(404, "404 page not found\n", false, "get");
    EXPECT_EQ(other.code, ErrorCode::NotFound);
    EXPECT_THAT(other.hint, HasSubstr("/metadata"));
    EXPECT_EQ(refusal(404, "404 page not found", false, "put").code, ErrorCode::Unavailable);
}

TEST(HttpReplies, AStockServerThatProtectsNamesSaysHowToGoOn) {
    const auto taken = refusal(400, "Duplicate rpc_meta key not allowed", false, "put", "mooncake/rpc_meta/n");
    EXPECT_EQ(taken.code, ErrorCode::AlreadyExists);
    EXPECT_THAT(taken.message, HasSubstr("Duplicate rpc_meta"));
    EXPECT_THAT(taken.hint, HasSubstr("mc-meta remove mooncake/rpc_meta/n"));
    EXPECT_EQ(refusal(400, "bad", true, "put", "mooncake/rpc_meta/n").code, ErrorCode::InvalidArgument);
}

TEST(HttpReplies, WhatAServerSaysIsBoundedAndPrintable) {
    const auto error = refusal(500, "a\x1b[31mb\xff" + std::string(5000, 'x') + "\nsecond line");
    EXPECT_LT(error.message.size(), 400U);
    EXPECT_THAT(error.message, HasSubstr("a?[31mb?x"));
    EXPECT_THAT(refusal(500, "one\r\ntwo").message, Not(HasSubstr("two")));
}

TEST(HttpReplies, AListingIsReadInOrder) {
    const auto page = decodeListing(R"({"schema_version":1,"items":[{"key":"p/a","value":"{\"x\":1}","version":"7"},
        {"key":"p/b","value":"","version":"8","more":0}],"continuation":"p/b"})",
                                    "p/", "");
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_EQ(page->items.size(), 2U);
    EXPECT_EQ(page->items[0].key, "p/a");
    EXPECT_EQ(page->items[0].value, "{\"x\":1}");
    EXPECT_EQ(page->items[0].version, "7");
    EXPECT_EQ(page->continuation, "p/b");
    EXPECT_TRUE(decodeListing(R"({"items":[],"continuation":""})", "", "")->items.empty());
    // A server may skip what it must not show.
    EXPECT_EQ(decodeListing(R"({"items":[],"continuation":"p/z"})", "p/", "p/b")->continuation, "p/z");
}

TEST(HttpReplies, WhatIsNoListingBreaksTheProtocol) {
    for (
        const auto* text : {
            "",
            "[]",
            "null",
            "<html>",
            R"({"items":[]})",
            R"({"items":{},"continuation":""})",
            R"({"items":[],"continuation":1})",
            R"({"items":[1],"continuation":""})",
            R"({"items":[{"key":"p/a","version":"1"}],"continuation":""})",
            R"({"items":[{"key":"","value":"","version":"1"}],"continuation":""})",
            R"({"items":[{"key":"p/a","value":"","version":1}],"continuation":""})",
            R"({"items":[{"key":"q","value":"","version":"1"}],"continuation":""})",
            R"({"items":[{"key":"p/c","value":"","version":"1"},{"key":"p/b","value":"","version":"1"}],"continuation":""})",
            R"({"items":[{"key":"p/a","value":"","version":"1"}],"continuation":"p/0"})",
        }) {
        const auto page = decodeListing(text, "p/", "");
        ASSERT_FALSE(page) << text;
        EXPECT_EQ(page.error().code, ErrorCode::Protocol) << text;
    }
    EXPECT_FALSE(decodeListing(R"({"items":[],"continuation":"p/b"})", "p/", "p/b")) << "it would never end";
    EXPECT_FALSE(decodeListing(R"({"items":[{"key":"p/a","value":"","version":"1"}],"continuation":""})", "p/", "p/b"));
    EXPECT_FALSE(decodeListing(std::string(1 << 20, '['), "", ""));
    EXPECT_FALSE(decodeListing(std::string_view("{\"items\":[],\"continuation\":\"\"}\0", 33), "", ""));
}

TEST(HttpReplies, AWatchHasPutsAndRemovals) {
    const auto put = decodeChange(R"({"type":"put","key":"p/a","value":"v","version":"9"})", "p/");
    ASSERT_TRUE(put);
    EXPECT_EQ(put->kind, Event::Kind::Put);
    EXPECT_EQ(put->item.value, "v");
    EXPECT_EQ(put->item.version, "9");
    const auto removed = decodeChange(R"({"type":"remove","key":"p/a"})", "p/");
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->kind, Event::Kind::Remove);
    EXPECT_EQ(removed->item.key, "p/a");
}

TEST(HttpReplies, WhatIsNoChangeEndsAWatch) {
    EXPECT_EQ(decodeChange(R"({"error":"too slow"})", "").error().code, ErrorCode::Io);
    for (const auto* line : {"", "{}", "1", R"({"type":"move","key":"p/a"})", R"({"type":"put","key":"p/a"})",
                             R"({"type":"remove"})", R"({"type":"remove","key":"q"})", R"({"type":1,"key":"p/a"})"}) {
        EXPECT_EQ(decodeChange(line, "p/").error().code, ErrorCode::Protocol) << line;
    }
    EXPECT_TRUE(checkWatching(R"({"watching":"p/","version":"1"})", "p/"));
    EXPECT_FALSE(checkWatching(R"({"watching":"q/"})", "p/"));
    EXPECT_FALSE(checkWatching("hello", "p/"));
}

}  // namespace
}  // namespace mc::metadata
