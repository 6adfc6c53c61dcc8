#include "segment/file_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

namespace mc {
namespace {

using nlohmann::json;
using testing::HasSubstr;

LegacyFile file(std::string path, std::uint64_t length) {
    return {.file_path = std::move(path), .length = length, .local_path_map = {}};
}

std::string encoded(std::vector<LegacyFile> files) {
    return encodeSegmentDescriptor(makeFileSegment("node01", std::move(files)));
}

Result<EditedFiles> add(std::string_view text, const LegacyFile& added) {
    return addFiles(text, "node01", std::span(&added, 1));
}

Result<EditedFiles> remove(std::string_view text, const std::string& path) {
    return removeFiles(text, std::span(&path, 1));
}

TEST(FileSegment, IsWrittenAsTheSeedShowsIt) {
    EXPECT_EQ(encoded({file("/mnt/nvme0", 1073741824)}),
              R"({"buffers":[{"file_path":"/mnt/nvme0","length":1073741824,"local_path_map":{}}],)"
              R"("protocol":"nvmeof","server_name":"node01"})");
}

TEST(FileSegment, AddsAtTheEndAndOnlyWhatIsNew) {
    const std::array files{file("/b", 2), file("/a", 1), file("/c", 3)};
    const auto edited = addFiles(encoded({file("/a", 1)}), "node01", files);
    ASSERT_TRUE(edited) << edited.error().message;
    EXPECT_EQ(edited->changed, 2U);
    EXPECT_EQ(edited->json, encoded({file("/a", 1), file("/b", 2), file("/c", 3)}));
    const auto again = addFiles(edited->json, "node01", files);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->changed, 0U);
    EXPECT_EQ(again->json, edited->json);
}

TEST(FileSegment, AddsToASegmentWithoutFiles) {
    for (const auto* text : {R"({"protocol":"nvmeof","server_name":"node01"})",
                             R"({"protocol":"nvmeof","buffers":null})", R"({"protocol":"nvmeof","buffers":[]})"}) {
        const auto edited = add(text, file("/a", 1));
        ASSERT_TRUE(edited) << text << ": " << edited.error().message;
        EXPECT_EQ(json::parse(edited->json)["buffers"].size(), 1U) << text;
    }
}

TEST(FileSegment, KeepsWhatItDoesNotKnow) {
    const auto before = json::parse(R"({
        "protocol": "nvmeof", "server_name": "node01", "name": "node01", "timestamp": "T", "tcp_data_port": 7,
        "vendor": {"deep": [1, -2, 2.5, null, true, "ü"]},
        "buffers": [
            {"file_path": "/a", "length": 1, "local_path_map": {"node02": "/mnt/a"}, "nqn": "nqn.x"},
            {"length": 2, "name": "no path", "addr": 5}
        ]})");
    const auto added = add(before.dump(), file("/b", 3));
    ASSERT_TRUE(added) << added.error().message;
    auto expected = before;
    expected["buffers"].push_back({{"file_path", "/b"}, {"length", 3}, {"local_path_map", json::object()}});
    EXPECT_EQ(json::parse(added->json), expected);

    const auto removed = remove(added->json, "/b");
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(json::parse(removed->json), before);
    const auto first = remove(added->json, "/a");
    ASSERT_TRUE(first);
    expected["buffers"].erase(0);
    EXPECT_EQ(json::parse(first->json), expected);
}

TEST(FileSegment, RefusesAnotherLengthOfTheSameFile) {
    const auto edited = add(encoded({file("/a", 1), file("/b", 1)}), file("/a", 2));
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(edited.error().message, HasSubstr("/a: has 2 bytes, but is registered with 1"));
}

TEST(FileSegment, RefusesTheFilesOfAnotherServer) {
    const auto added = file("/b", 2);
    const auto edited = addFiles(encoded({file("/a", 1)}), "node02", std::span(&added, 1));
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(edited.error().message, HasSubstr("of server node01, not of node02"));
}

TEST(FileSegment, RefusesWhatIsNoFileSegment) {
    for (const auto* text :
         {"", "null", "[]", "{", R"({"protocol":"tcp","name":"n"})", R"({"protocol":"nvmeof","buffers":[null]})",
          R"({"protocol":"nvmeof","buffers":[{"file_path":"/a","length":1}],"buffers":null})"}) {
        EXPECT_EQ(add(text, file("/a", 1)).error().code, ErrorCode::BadData) << text;
        EXPECT_EQ(remove(text, "/a").error().code, ErrorCode::BadData) << text;
    }
}

TEST(FileSegment, RefusesWhatIsReadInTwoWays) {
    for (const auto* text : {R"({"protocol":"nvmeof","buffers":[{"file_path":"/a","length":1,"length":null}]})",
                             R"({"protocol":"nvmeof","buffers":[{"file_path":"/a","length":1}],"buffers":null})"}) {
        const auto edited = add(text, file("/b", 1));
        ASSERT_FALSE(edited) << text;
        EXPECT_EQ(edited.error().message, "segment descriptor: a member stands there twice");
    }
}

TEST(FileSegment, RefusesWhatIsNestedTooDeeplyToBeWrittenAgain) {
    const auto nested = [](std::size_t depth) {
        return R"({"protocol":"nvmeof","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(add(nested(60), file("/a", 1)));
    EXPECT_EQ(add(nested(100), file("/a", 1)).error().code, ErrorCode::BadData);
    EXPECT_EQ(add(nested(1'000'000), file("/a", 1)).error().code, ErrorCode::BadData);
}

TEST(FileSegment, RefusesMoreThan64BitsInAll) {
    EXPECT_EQ(add(encoded({file("/a", ~0ULL)}), file("/b", 1)).error().code, ErrorCode::BadData);
}

TEST(FileSegment, RemovesEveryEntryOfAName) {
    const auto removed = remove(encoded({file("/a", 1), file("/b", 2), file("/a", 1)}), "/a");
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->changed, 2U);
    EXPECT_EQ(removed->json, encoded({file("/b", 2)}));
    const auto none = remove(removed->json, "/a");
    ASSERT_TRUE(none);
    EXPECT_EQ(none->changed, 0U);
}

}  // namespace
}  // namespace mc
