#include "control/file_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary.h"

namespace mc::control {
namespace {

using testing::HasSubstr;

TEST(FileRequests, HaveAPathAndMayHaveASize) {
    const auto plain = parseFileRequest("/data/f0");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->path, "/data/f0");
    EXPECT_EQ(plain->size, 0);
    const auto sized = parseFileRequest("/data//a b,c:1:./f0:64k");
    ASSERT_TRUE(sized);
    EXPECT_EQ(sized->path, "/data/a b,c:1:./f0");
    EXPECT_EQ(sized->size, 65536);
    EXPECT_EQ(parseFileRequest("/data/f0:x")->path, "/data/f0:x");
    EXPECT_EQ(parseFileRequest("/data/f0:")->path, "/data/f0:");
    EXPECT_EQ(parseFileRequest("f0:512")->path, std::filesystem::current_path() / "f0");
}

TEST(FileRequests, ThatAreNoneAreErrors) {
    for (const char* text : {"", ":1GiB", "/data/f0:0"}) {
        const auto request = parseFileRequest(text);
        ASSERT_FALSE(request) << text;
        EXPECT_EQ(request.error().code, ErrorCode::InvalidArgument) << text;
    }
}

TEST(FileRequests, OfWhatExistsMeanItsWholeName) {
    const std::string plain = mc::test::temporaryPath("disk-0");
    std::ofstream(plain + ":1") << "x";
    EXPECT_EQ(parseFileRequest(plain + ":1")->path, plain + ":1");
    EXPECT_EQ(parseFileRequest(plain + ":1")->size, 0);
    EXPECT_EQ(parseFileRequest(plain + ":1:4KiB")->path, plain + ":1");
    EXPECT_EQ(parseFileRequest(plain + ":2")->path, plain);
    // What was to be a size is told from a name.
    std::ofstream(plain) << "x";
    const auto mistyped = parseFileRequest(plain + ":1Gig");
    ASSERT_FALSE(mistyped);
    EXPECT_THAT(mistyped.error().hint, HasSubstr("is \"1Gig\" to be a size?"));
    std::filesystem::remove(plain);
    std::filesystem::remove(plain + ":1");
}

TEST(FileRequests, AreWrittenAsTheyAreRead) {
    for (const char* text : {"/data/f0", "/data/f0:64KiB", "/data/a b:1:1000"}) {
        EXPECT_EQ(toString(*parseFileRequest(text)), text);
    }
}

}  // namespace
}  // namespace mc::control
