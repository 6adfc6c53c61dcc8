#include "base/json.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace mc {
namespace {

TEST(Json, WritesScalars) {
    EXPECT_EQ(Json().text(), "null");
    EXPECT_EQ(Json(nullptr).text(), "null");
    EXPECT_EQ(Json(true).text(), "true");
    EXPECT_EQ(Json(-1).text(), "-1");
    EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
    EXPECT_EQ(Json(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
    EXPECT_EQ(Json(0.5).text(), "0.5");
    EXPECT_EQ(Json(2.0F).text(), "2.0");
    EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).text(), "null");
}

TEST(Json, WritesText) {
    EXPECT_EQ(Json("a").text(), "\"a\"");
    EXPECT_EQ(Json(std::string("a\"\\\n\x01")).text(), R"("a\"\\\n\u0001")");
    EXPECT_EQ(Json(std::string_view("a\0b", 3)).text(), R"("a\u0000b")");
    EXPECT_EQ(Json("\xc3\xa4 \xe2\x82\xac").text(), "\"\xc3\xa4 \xe2\x82\xac\"");
}

TEST(Json, WritesWhatIsNotUtf8AsReplacement) {
    EXPECT_EQ(Json("a\xff").text(), "\"a\xef\xbf\xbd\"");
    EXPECT_EQ((Json{{"k\xff", 1}}.text()), "{\"k\xef\xbf\xbd\":1}");
}

TEST(Json, KeepsTheOrderOfMembers) {
    Json json{{"z", 1}, {"a", {{"nested", "x"}}}, {"none", Json::object()}};
    json["m"] = nullptr;
    json["z"] = 2;
    EXPECT_EQ(json.text(), R"({"z":2,"a":{"nested":"x"},"none":{},"m":null})");
}

TEST(Json, TheLastOfEqualNamesCounts) {
    EXPECT_EQ((Json{{"a", 1}, {"b", 2}, {"a", 3}}.text()), R"({"a":3,"b":2})");
}

TEST(Json, WritesRangesAsArrays) {
    Json json = Json::array();
    EXPECT_EQ(json.text(), "[]");
    json.add({{"a", 1}});
    json.add(std::vector<std::string>{"x", "y"});
    json.add(std::array{1.5, 2.5});
    json.add(std::vector<int>{});
    EXPECT_EQ(json.text(), R"([{"a":1},["x","y"],[1.5,2.5],[]])");
}

TEST(Json, AnOptionalIsItsValueOrNull) {
    EXPECT_EQ((Json{{"a", std::optional<int>()}, {"b", std::optional(7)}}.text()), R"({"a":null,"b":7})");
}

TEST(Json, UpdateSetsTheMembersOfAnother) {
    Json json{{"a", 1}, {"b", 2}};
    json.update({{"b", 3}, {"c", 4}});
    EXPECT_EQ(json.text(), R"({"a":1,"b":3,"c":4})");
}

TEST(Json, NullBecomesAnObjectWhenAMemberIsSet) {
    Json json;
    json["a"]["b"] = 1;
    EXPECT_EQ(json.text(), R"({"a":{"b":1}})");
}

TEST(Json, IsALineOrIndented) {
    const Json json{{"a", 1}};
    EXPECT_EQ(json.line(), "{\"a\":1}\n");
    EXPECT_EQ(json.text(2), "{\n  \"a\": 1\n}");
}

}  // namespace
}  // namespace mc
