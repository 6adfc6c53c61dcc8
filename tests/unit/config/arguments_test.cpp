#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_tool.h"

namespace mc::config::test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Arguments, everySpellingOfANameIsTheSameOption) {
    for (const auto* name : {"--block-size", "--block_size", "-block_size", "-block-size", "--request-size", "-b"}) {
        const auto values = loadSample({name, "4KiB"});
        ASSERT_TRUE(values) << name << ": " << values.error().message;
        EXPECT_THAT(values->sizes("block-size"), ElementsAre(4096U)) << name;
    }
    for (const auto* token : {"--block-size=4KiB", "--block_size=4KiB", "-block_size=4KiB", "-b4KiB"}) {
        const auto values = loadSample({token});
        ASSERT_TRUE(values) << token << ": " << values.error().message;
        EXPECT_THAT(values->sizes("block-size"), ElementsAre(4096U)) << token;
    }
}

TEST(Arguments, flagsAreSwitchedOnAndOffInEverySpelling) {
    for (const auto* token : {"--auto_discovery", "-auto-discovery", "--auto-discovery=true", "--auto_discovery=1",
                              "--auto_discovery=yes", "--auto-discovery=on", "-auto_discovery=TRUE"}) {
        const auto values = loadSample({"--noauto-discovery", token});
        ASSERT_TRUE(values) << token << ": " << values.error().message;
        EXPECT_TRUE(values->flag("auto-discovery")) << token;
    }
    for (const auto* token : {"--noauto_discovery", "--no-auto-discovery", "-noauto_discovery", "--no_auto_discovery",
                              "--auto-discovery=false", "--auto-discovery=0", "--auto_discovery=no"}) {
        const auto values = loadSample({"--auto-discovery", token});
        ASSERT_TRUE(values) << token << ": " << values.error().message;
        EXPECT_FALSE(values->flag("auto-discovery")) << token;
        EXPECT_TRUE(values->given("auto-discovery")) << token;
    }
}

TEST(Arguments, aNameThatStartsWithNoIsNotANegation) {
    const auto on = loadSample({"--no-input"});
    ASSERT_TRUE(on);
    EXPECT_TRUE(on->flag("no-input"));
    const auto off = loadSample({"--no-input", "--no-no-input"});
    ASSERT_TRUE(off);
    EXPECT_FALSE(off->flag("no-input"));
}

TEST(Arguments, aNegationTakesNoValueAndOnlyFlagsHaveOne) {
    const auto with_value = loadSample({"--no-cache=true"});
    ASSERT_FALSE(with_value);
    EXPECT_THAT(with_value.error().message, HasSubstr("takes no value"));
    const auto of_integer = loadSample({"--no-threads"});
    ASSERT_FALSE(of_integer);
    EXPECT_THAT(of_integer.error().message, HasSubstr("unknown option --no-threads"));
}

TEST(Arguments, valuesThatStartWithADashStayAsTheyAre) {
    EXPECT_EQ(loadSample({"--offset", "-5"})->integer("offset"), -5);
    EXPECT_EQ(loadSample({"-offset=-6"})->integer("offset"), -6);
    EXPECT_EQ(loadSample({"--segment_id", "--block_size"})->text("segment-id"), "--block_size");
    EXPECT_EQ(loadSample({"--segment_id", "--"})->text("segment-id"), "--");
}

TEST(Arguments, whatFollowsTwoDashesIsAPositional) {
    const auto values = loadSample({"-q", "--", "--block_size", "-5", "-"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->texts("files"), ElementsAre("--block_size", "-5", "-"));
    EXPECT_TRUE(values->flag("quiet"));
}

TEST(Arguments, lettersMayBeJoined) {
    const auto values = loadSample({"-qb512", "f0"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_TRUE(values->flag("quiet"));
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(512U));
    EXPECT_THAT(loadSample({"-qb", "1k"})->sizes("block-size"), ElementsAre(1024U));
}

TEST(Arguments, textThatLooksLikeSyntaxOfTheParserIsKept) {
    for (const auto* text : {"[::1]:4420", "[a,b]", "{}", "%%", "a=b", " ", "[]"}) {
        EXPECT_EQ(loadSample({"--segment-id", text})->text("segment-id"), text);
        EXPECT_EQ(loadSample({std::string("--segment_id=") + text})->text("segment-id"), text);
    }
}

TEST(Arguments, anEmptyValueDoesNotSwallowTheNextArgument) {
    const auto values = loadSample({"--segment-id=", "--quiet"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->text("segment-id"), "");
    EXPECT_TRUE(values->given("segment-id"));
    EXPECT_TRUE(values->flag("quiet"));
}

TEST(Arguments, listsTakeCommasAndSpaces) {
    const auto values = loadSample({"--files", "/a /b , /c", "--block_size=4k,1MiB", "/d", "/e"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->texts("files"), ElementsAre("/a", "/b", "/c", "/d", "/e"));
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(4096U, 1048576U));
}

TEST(Arguments, aListGivenTwiceIsTheLastUnlessTheTableSaysThatItAddsUp) {
    const auto values = loadSample({"--block_size=4k,8k", "--label=a", "-b1k", "--label", "b,c"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(1024U));
    EXPECT_THAT(values->texts("label"), ElementsAre("a", "b", "c"));
}

TEST(Arguments, anEmptyItemOfAListIsAnErrorThatNamesTheOption) {
    for (const auto* text : {"4k,", ",4k", "4k,,8k", "4k, ,8k", ",", "", " "}) {
        const auto values = loadSample({"--block-size", text});
        ASSERT_FALSE(values) << text;
        EXPECT_EQ(values.error().code, ErrorCode::InvalidArgument);
        EXPECT_EQ(values.error().message, std::string("--block-size: \"") + text + "\" has an empty item");
    }
    const auto variable = loadSample({}, {{"MC_FILES", "/a,"}});
    ASSERT_FALSE(variable);
    EXPECT_EQ(variable.error().message, "environment MC_FILES: --files: \"/a,\" has an empty item");
    EXPECT_THAT(loadSample({"--files="})->texts("files"), testing::IsEmpty()) << "a list of texts may be empty";
}

TEST(Arguments, ofASingleValueGivenTwiceTheLastCounts) {
    const auto values = loadSample({"--duration=1", "-duration", "20"});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->duration("duration"), seconds(20));
}

TEST(Arguments, anUnknownOptionGetsTheNearestName) {
    for (const auto* token : {"--blok-size=3", "--blok_size", "-lock_size"}) {
        const auto values = loadSample({token});
        ASSERT_FALSE(values) << token;
        EXPECT_EQ(values.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(values.error().message, HasSubstr("unknown option -"));
        EXPECT_EQ(values.error().hint, "did you mean --block-size?");
    }
    EXPECT_EQ(loadSample({"--mdoe"}).error().hint, "did you mean --mode?") << "a swap is one mistake";
    EXPECT_EQ(loadSample({"--xyzzy-plugh"}).error().hint, "mc-sample --help lists the options");
    EXPECT_EQ(loadSample({"-5"}).error().hint, "put -- before an argument that starts with a dash");
    EXPECT_EQ(loadSample({"--=3"}).error().code, ErrorCode::InvalidArgument);
}

TEST(Arguments, aListOfFilesIsNotSplitWhereItsNamesHaveCommasAndSpaces) {
    constexpr Option kFiles[] = {{.name = "path", .repeated = true, .unsplit = true, .positional = true}};
    const Tool tool{.main = {.name = "mc-files", .options = {kFiles}}};
    const auto values = loadSample({"a, b", "c", ""}, {}, {}, tool);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->texts("path"), ElementsAre("a, b", "c", ""));
    EXPECT_THAT(loadSample({"--path", "a,b"}, {}, {}, tool)->texts("path"), ElementsAre("a,b"));
}

TEST(Arguments, noAbbreviations) {
    EXPECT_FALSE(loadSample({"--block", "1"}));
    EXPECT_FALSE(loadSample({"--b=1"}));
}

TEST(Arguments, aMissingValueIsAnError) {
    for (const auto* token : {"--threads", "-b"}) {
        const auto values = loadSample({token});
        ASSERT_FALSE(values) << token;
        EXPECT_EQ(values.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(values.error().message, HasSubstr("needs a value"));
    }
}

TEST(Arguments, aSubcommandHasItsOwnOptionsAndThoseOfTheTool) {
    const auto values = loadSample({"-q", "list", "--mode", "target", "mc/"}, {}, {}, kStore);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->command(), "list");
    EXPECT_EQ(values->text("prefix"), "mc/");
    EXPECT_EQ(values->text("mode"), "target");
    EXPECT_EQ(values->integer("threads"), 3);
    EXPECT_TRUE(values->flag("quiet"));
}

TEST(Arguments, subcommandsMustBeKnownAndGiven) {
    const auto mistyped = loadSample({"lst"}, {}, {}, kStore);
    ASSERT_FALSE(mistyped);
    EXPECT_EQ(mistyped.error().message, "unknown command \"lst\"");
    EXPECT_EQ(mistyped.error().hint, "did you mean list?");
    const auto none = loadSample({"-q"}, {}, {}, kStore);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().message, "no command given");
    EXPECT_EQ(none.error().hint, "commands are list, save");
    EXPECT_FALSE(loadSample({"save", "--prefix", "x"}, {}, {}, kStore));
}

TEST(Arguments, surplusAndMissingArgumentsAreErrors) {
    const auto surplus = loadSample({"save", "a", "b"}, {}, {}, kStore);
    ASSERT_TRUE(surplus) << "files of the tool takes the rest";
    EXPECT_THAT(surplus->texts("files"), ElementsAre("b"));
    const auto missing = loadSample({"list"}, {}, {}, kStore);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "--prefix: a value is required");
}

}  // namespace
}  // namespace mc::config::test
