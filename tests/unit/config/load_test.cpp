#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_tool.h"

namespace mc::config::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Load, flagBeatsEnvironmentBeatsFileBeatsDefault) {
    const auto file = writeFile("precedence.toml", "threads = 4\n");
    EXPECT_EQ(loadSample({})->integer("threads"), 12);
    EXPECT_EQ(loadSample({}, {}, file)->integer("threads"), 4);
    EXPECT_EQ(loadSample({}, {{"MC_THREADS", "5"}}, file)->integer("threads"), 5);
    EXPECT_EQ(loadSample({"--threads", "6"}, {{"MC_THREADS", "5"}}, file)->integer("threads"), 6);
}

TEST(Load, everyValueTellsItsOrigin) {
    const auto file = writeFile("origin.toml", "# comment\nratio = 0.25\n");
    const auto values = loadSample({"--mode=target"}, {{"MC_THREADS", "5"}}, file);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->origin("mode").toString(), "flag");
    EXPECT_EQ(values->origin("threads").toString(), "environment MC_THREADS");
    EXPECT_EQ(values->origin("ratio").toString(), file + ":2:9");
    EXPECT_EQ(values->origin("duration").toString(), "default");
    EXPECT_TRUE(values->given("ratio"));
    EXPECT_FALSE(values->given("duration"));
    EXPECT_TRUE(values->has("duration"));
    EXPECT_FALSE(values->has("segment-id"));
}

TEST(Load, withoutAnySourceThereAreDefaultsOrNothing) {
    const auto values = loadSample({});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(65536U));
    EXPECT_DOUBLE_EQ(values->number("ratio"), 0.5);
    EXPECT_EQ(values->duration("duration"), seconds(10));
    EXPECT_EQ(values->text("segment-id"), "");
    EXPECT_EQ(values->integer("offset"), 0);
    EXPECT_THAT(values->texts("files"), IsEmpty());
    EXPECT_TRUE(values->flag("cache"));
    EXPECT_FALSE(values->flag("quiet"));
}

TEST(Load, theFlagThatNamesTheFileBeatsTheCallersFile) {
    const auto mine = writeFile("mine.toml", "threads = 7\n");
    const auto callers = writeFile("callers.toml", "threads = 8\n");
    EXPECT_EQ(loadSample({"--config", mine}, {}, callers)->integer("threads"), 7);
}

TEST(Load, everyTypeIsReadFromToml) {
    const auto file = writeFile("types.toml",
                                "files = [\"/a b\", \"/c,d\"]\nblock_size = [4096, \"1MiB\"]\nthreads = 2\nratio = 1\n"
                                "duration = 0.5\nmode = \"loopback\"\nauto_discovery = true\ncache = false\n");
    const auto values = loadSample({}, {}, file);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->texts("files"), ElementsAre("/a b", "/c,d")) << "items of an array are not split";
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(4096U, 1048576U));
    EXPECT_DOUBLE_EQ(values->number("ratio"), 1);
    EXPECT_EQ(values->duration("duration"), milliseconds(500));
    EXPECT_EQ(values->text("mode"), "loopback");
    EXPECT_TRUE(values->flag("auto-discovery"));
    EXPECT_FALSE(values->flag("cache"));
}

TEST(Load, aListInTomlMayBeOneValue) {
    const auto file = writeFile("single.toml", "block_size = \"1KiB\"\nfiles = []\n");
    const auto values = loadSample({}, {}, file);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->sizes("block-size"), ElementsAre(1024U));
    EXPECT_TRUE(values->given("files"));
}

TEST(Load, anUnknownTomlKeyIsNamedWithPositionAndNearestName) {
    const auto file = writeFile("unknown.toml", "threads = 3\n  blok_size = 4096\n");
    const auto values = loadSample({}, {}, file);
    ASSERT_FALSE(values);
    EXPECT_EQ(values.error().code, ErrorCode::Config);
    EXPECT_EQ(values.error().message, file + ":2:3: unknown key \"blok_size\"");
    EXPECT_EQ(values.error().hint, "did you mean block_size?");
}

TEST(Load, keysThatOnlyFlagsMaySetAreUnknownInAFile) {
    const auto file = writeFile("flagonly.toml", "help = true\n");
    EXPECT_THAT(loadSample({}, {}, file).error().message, EndsWith(":1:1: unknown key \"help\""));
}

struct BadToml {
    const char* text;
    const char* position;
    const char* rule;
};

TEST(Load, aWrongTomlValueIsAnErrorWithItsPosition) {
    const BadToml cases[] = {
        {"threads = \"4\"\n", ":1:11: threads: ", "must be an integer, not a string"},
        {"threads = 1.5\n", ":1:11: threads: ", "must be an integer, not a floating-point number"},
        {"threads = true\n", ":1:11: threads: ", "must be an integer, not a boolean"},
        {"threads = [1]\n", ":1:11: threads: ", "takes one value, not a list"},
        {"threads = 0\n", ":1:11: threads: ", "\"0\" is out of range: must be from 1 to 128"},
        {"\nquiet = 1\n", ":2:9: quiet: ", "must be true or false, not an integer"},
        {"mode = \"loop\"\n", ":1:8: mode: ", "\"loop\" is not one of initiator, target, loopback"},
        {"mode = 3\n", ":1:8: mode: ", "must be a text, not an integer"},
        {"block_size = [1,\n  \"2Q\"]\n", ":2:3: block_size: ", "size \"2Q\" has an unknown unit"},
        {"block_size = -4\n", ":1:14: block_size: ", "is not a number"},
        {"block_size = 1.5\n", ":1:14: block_size: ", "must be a size, not a floating-point number"},
        {"duration = -1\n", ":1:12: duration: ", "is negative"},
        {"ratio = nan\n", ":1:9: ratio: ", "must be a number"},
        {"ratio = 2\n", ":1:9: ratio: ", "is out of range: must be from 0 to 1"},
        {"files = [[\"a\"]]\n", ":1:10: files: ", "a list in a list is not a value here"},
        {"files = { a = 1 }\n", ":1:9: files: ", "a table is not a value here"},
        {"[load]\nthreads = 1\n", ":1:1: load: ", "a table is not a value here"},
        {"[[load]]\nthreads = 1\n", ":1:", "a table is not a value here"},
        {"threads = 2020-01-01\n", ":1:11: threads: ", "a date or time is not a value here"},
        {"threads = \n", ":1:", ""},
        {"threads = 1\nthreads = 2\n", ":2:", ""},
        {"segment_id = \"\xff\"\n", ":1:", ""},
    };
    for (const auto& bad : cases) {
        const auto file = writeFile("wrong.toml", bad.text);
        const auto values = loadSample({}, {}, file);
        ASSERT_FALSE(values) << bad.text;
        EXPECT_EQ(values.error().code, ErrorCode::Config) << bad.text;
        EXPECT_THAT(values.error().message, HasSubstr(file + bad.position)) << bad.text;
        EXPECT_THAT(values.error().message, HasSubstr(bad.rule)) << bad.text;
    }
}

TEST(Load, aWrongValueInTheFileIsAnErrorEvenWhereAFlagWins) {
    const auto file = writeFile("shadowed.toml", "threads = 0\n");
    EXPECT_FALSE(loadSample({"--threads", "1"}, {}, file));
}

TEST(Load, aMissingFileIsNoInput) {
    const auto values = loadSample({"--config", "/nonexistent/mc.toml"});
    ASSERT_FALSE(values);
    EXPECT_EQ(values.error().code, ErrorCode::NoInput);
    EXPECT_EQ(values.error().message, "open /nonexistent/mc.toml: No such file or directory");
}

TEST(Load, aDirectoryIsNoInputAndAnEmptyNameIsAnError) {
    const auto directory = loadSample({"--config", testing::TempDir()});
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().code, ErrorCode::NoInput);
    EXPECT_THAT(directory.error().message, EndsWith(": a directory, not a configuration file"));
    const auto empty = loadSample({"--config="});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(empty.error().message, "--config: names no file");
}

TEST(Load, aFileTooLargeToBeAConfigurationIsRefused) {
    const auto file = writeFile("large.toml", std::string((1 << 20) + 1, '#'));
    EXPECT_EQ(loadSample({}, {}, file).error().code, ErrorCode::Config);
}

TEST(Load, oneFileServesEverySubcommand) {
    const auto file = writeFile("store.toml", "target_file = \"x\"\nprefix = \"mc/\"\n");
    const auto values = loadSample({"list"}, {}, file, kStore);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->text("prefix"), "mc/");
}

TEST(Load, aCommandThatExtendsAnotherTakesItsOptions) {
    const auto file = writeFile("replay.toml", "prefix = \"mc/\"\nthreads = 7\n");
    const auto values = loadSample({"replay", file}, {}, {}, kReplayingStore);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->command(), "replay");
    EXPECT_EQ(values->text("prefix"), "mc/");
    EXPECT_EQ(values->integer("threads"), 7);
    EXPECT_EQ(loadSample({"replay", file, "--threads=9"}, {}, {}, kReplayingStore)->integer("threads"), 9);
    EXPECT_FALSE(loadSample({"replay"}, {}, {}, kReplayingStore));
}

TEST(Load, theDefaultCommandNeedsNoName) {
    const auto implied = loadSample({"--prefix", "mc/", "-q"}, {}, {}, kListingStore);
    ASSERT_TRUE(implied) << implied.error().message;
    EXPECT_EQ(implied->command(), "list");
    EXPECT_EQ(implied->text("prefix"), "mc/");
    const auto named = loadSample({"-q", "save", "x"}, {}, {}, kListingStore);
    ASSERT_TRUE(named) << named.error().message;
    EXPECT_EQ(named->command(), "save");
    const auto neither = loadSample({"mc/"}, {}, {}, kListingStore);
    ASSERT_FALSE(neither);
    EXPECT_EQ(neither.error().message, "unknown command \"mc/\"");
}

TEST(Load, anEmptyVariableIsUnset) {
    const auto values = loadSample({}, {{"MC_THREADS", ""}, {"MC_DISABLE_CACHE", ""}, {"MC_USE_IPV6", ""}});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->integer("threads"), 12);
    EXPECT_TRUE(values->flag("cache"));
    EXPECT_FALSE(values->flag("ipv6"));
}

TEST(Load, anAliasCountsWhereTheVariableIsUnset) {
    const auto alias = loadSample({}, {{"MC_OLD_THREADS", "3"}, {"MC_THREADS", ""}});
    EXPECT_EQ(alias->integer("threads"), 3);
    EXPECT_EQ(alias->origin("threads").toString(), "environment MC_OLD_THREADS");
    EXPECT_EQ(loadSample({}, {{"MC_OLD_THREADS", "3"}, {"MC_THREADS", "4"}})->integer("threads"), 4);
}

TEST(Load, anyValueOfAPresenceVariableCounts) {
    for (const auto* text : {"0", "false", "1", "whatever"}) {
        const auto values = loadSample({}, {{"MC_USE_IPV6", text}, {"MC_DISABLE_CACHE", text}});
        ASSERT_TRUE(values) << text;
        EXPECT_TRUE(values->flag("ipv6")) << text;
        EXPECT_FALSE(values->flag("cache")) << text;
    }
    EXPECT_TRUE(loadSample({"--cache"}, {{"MC_DISABLE_CACHE", "1"}})->flag("cache"));
}

TEST(Load, anOrdinaryFlagVariableIsAWord) {
    EXPECT_FALSE(loadSample({}, {{"MC_AUTO", "0"}})->flag("auto-discovery"));
    EXPECT_TRUE(loadSample({}, {{"MC_AUTO", "On"}})->flag("auto-discovery"));
    const auto bad = loadSample({}, {{"MC_AUTO", "maybe"}});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().message, "environment MC_AUTO: --auto-discovery: \"maybe\" is neither on nor off");
}

TEST(Load, aWrongVariableIsAConfigErrorThatNamesIt) {
    const auto values = loadSample({}, {{"MC_OLD_THREADS", "500"}});
    ASSERT_FALSE(values);
    EXPECT_EQ(values.error().code, ErrorCode::Config);
    EXPECT_EQ(values.error().message,
              "environment MC_OLD_THREADS: --threads: \"500\" is out of range: must be from 1 to 128");
}

TEST(Load, listsComeFromTheEnvironmentToo) {
    EXPECT_THAT(loadSample({}, {{"MC_FILES", "/a /b,/c"}})->texts("files"), ElementsAre("/a", "/b", "/c"));
}

struct BadFlag {
    std::vector<std::string> arguments;
    const char* message;
};

TEST(Load, aWrongFlagIsAUsageErrorWithTheRule) {
    const BadFlag cases[] = {
        {{"--threads", "0"}, "--threads: \"0\" is out of range: must be from 1 to 128"},
        {{"--threads=129"}, "--threads: \"129\" is out of range: must be from 1 to 128"},
        {{"--threads", "x"}, "--threads: \"x\" is not an integer"},
        {{"--threads", "1.5"}, "--threads: \"1.5\" is not an integer"},
        {{"--threads", ""}, "--threads: \"\" is not an integer"},
        {{"--threads", "99999999999999999999"}, "--threads: \"99999999999999999999\" is too large"},
        {{"--offset", "-101"}, "--offset: \"-101\" is out of range: must be at least -100"},
        {{"--block-size", "64Q"}, "--block-size: size \"64Q\" has an unknown unit"},
        {{"--block-size", "4k,2GiB"}, "--block-size: \"2GiB\" is out of range: must be from 1 to 1GiB"},
        {{"--duration", "soon"}, "--duration: duration \"soon\" is not a number"},
        {{"--ratio", "inf"}, "--ratio: \"inf\" is not a number"},
        {{"--mode", "targte"}, "--mode: \"targte\" is not one of initiator, target, loopback"},
        {{"--report-unit", "gb"}, "--report-unit: \"gb\" is not one of GB, Gb, KiB"},
        {{"--quiet=perhaps"}, "--quiet: \"perhaps\" is neither on nor off"},
    };
    for (const auto& bad : cases) {
        const auto values = loadSample(bad.arguments);
        ASSERT_FALSE(values) << bad.message;
        EXPECT_EQ(values.error().code, ErrorCode::InvalidArgument);
        EXPECT_EQ(values.error().message, bad.message);
    }
    EXPECT_EQ(loadSample({"--mode", "targte"}).error().hint, "did you mean target?");
    EXPECT_THAT(loadSample({"--block-size", "64Q"}).error().hint, HasSubstr("64k"));
}

TEST(Load, choicesIgnoreCaseWhereOnlyOneFits) {
    EXPECT_EQ(loadSample({"--mode", "TARGET"})->text("mode"), "target");
    EXPECT_EQ(loadSample({"--report-unit", "kib"})->text("report-unit"), "KiB");
    EXPECT_EQ(loadSample({"--report-unit", "Gb"})->text("report-unit"), "Gb");
}

TEST(Load, anEarlyFlagStopsBeforeOtherSourcesAreChecked) {
    const auto values = loadSample({"--help", "--config", "/nonexistent"}, {{"MC_THREADS", "x"}});
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_TRUE(values->flag("help"));
    EXPECT_FALSE(loadSample({"--help=false", "--config", "/nonexistent"}));
    EXPECT_TRUE(loadSample({"--help"}, {}, {}, kStore)) << "no command is needed for help";
}

TEST(Load, anErrorOfTheCallerNamesTheOrigin) {
    const auto flag = loadSample({"--threads", "3"})->error("threads", "is not a power of two", "try 4");
    EXPECT_EQ(flag.message, "--threads: \"3\" is not a power of two");
    EXPECT_EQ(flag.hint, "try 4");
    EXPECT_EQ(flag.code, ErrorCode::InvalidArgument);
    const auto variable = loadSample({}, {{"MC_THREADS", "3"}})->error("threads", "is odd");
    EXPECT_EQ(variable.message, "environment MC_THREADS: --threads: \"3\" is odd");
    EXPECT_EQ(variable.code, ErrorCode::Config);
    EXPECT_THAT(loadSample({"--password", "hunter2"})->error("password", "is weak").message,
                testing::Not(HasSubstr("hunter2")));
}

TEST(Load, askingForWhatTheTableDoesNotHaveIsADefect) {
    const auto values = loadSample({});
    EXPECT_DEATH((void)values->flag("nothing"), "not in the tool's table");
    EXPECT_DEATH((void)values->flag("threads"), "another type");
    EXPECT_DEATH((void)values->size("block-size"), "is a list");
    EXPECT_DEATH((void)values->integers("threads"), "is not a list");
}

}  // namespace
}  // namespace mc::config::test
