#include "config/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "config/layout.h"
#include "sample_tool.h"

namespace mc::config::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Help, opensWithWhatTheToolDoesAndTwoExamples) {
    const auto help = helpText(kSample, nullptr, 80);
    EXPECT_THAT(help, StartsWith("mc-sample: show what an option table can do\n\nFirst paragraph"));
    const auto examples =
        help.find("\nExamples:\n  # Run with one thread\n  mc-sample --threads 1\n  # Run on two files\n");
    ASSERT_NE(examples, std::string::npos);
    EXPECT_LT(examples, help.find("\nUsage: mc-sample [OPTIONS] [FILE...]\n"));
}

TEST(Help, listsEveryOptionUnderItsGroupWithDefaultsAndEnvironment) {
    const auto help = helpText(kSample, nullptr, 200);
    for (const Option* option : optionsOf(kSample))
        EXPECT_THAT(help, HasSubstr(displayName(*option)));
    EXPECT_LT(help.find("\nLoad:\n"), help.find("\nCommon:\n"));
    EXPECT_THAT(help,
                HasSubstr("  -b, --block-size SIZE,...       bytes of one request [default: 64KiB; 1 to 1GiB]\n"));
    EXPECT_THAT(help, HasSubstr("threads that submit [default: 12; 1 to 128; environment: MC_THREADS]"));
    EXPECT_THAT(help, HasSubstr("one of initiator, target, loopback; default: initiator; environment: MC_MODE"));
    EXPECT_THAT(help, HasSubstr("--[no-]cache "));
    EXPECT_THAT(help, HasSubstr("environment: MC_DISABLE_CACHE switches it off"));
    EXPECT_THAT(help, HasSubstr("\nExit status:\n    0  done\n   64  wrong usage\n"));
}

TEST(Help, ofACommandThatExtendsAnotherNamesIt) {
    const auto help = helpText(kReplayingStore, findCommand(kReplayingStore, "replay"), 80);
    EXPECT_THAT(help, AllOf(HasSubstr("--config FILE"), HasSubstr("\nAnd the options of mc-store list.\n"),
                            Not(HasSubstr("--prefix"))));
    const auto roff = manOptions(kReplayingStore);
    EXPECT_THAT(roff, HasSubstr("And the options of mc\\-store list.\n"));
    EXPECT_EQ(roff.find("\\-\\-prefix"), roff.rfind("\\-\\-prefix"));
    EXPECT_THAT(bashCompletion(kReplayingStore), HasSubstr("--prefix"));
}

TEST(Help, isWrappedAtTheWidthAsked) {
    for (const std::size_t width : {60U, 80U, 120U}) {
        for (const auto& line : split(helpText(kSample, nullptr, width), '\n'))
            EXPECT_LE(line.size(), width) << line;
    }
    EXPECT_FALSE(helpText(kSample, nullptr, 1).empty());
}

TEST(Help, ofAToolWithSubcommandsListsThem) {
    const auto help = helpText(kStore, nullptr, 80);
    EXPECT_THAT(help, AllOf(HasSubstr("Usage: mc-store COMMAND [OPTIONS]\n"), HasSubstr("  list  list keys\n")));
    const auto of_list = helpText(kStore, findCommand(kStore, "list"), 80);
    EXPECT_THAT(of_list, AllOf(StartsWith("mc-store list: list keys\n"), HasSubstr("--prefix"), HasSubstr("--quiet"),
                               HasSubstr("Usage: mc-store list [OPTIONS] TEXT [FILE...]\n")));
    EXPECT_THAT(of_list, Not(HasSubstr("--target-file")));
}

TEST(Help, ofAToolWithADefaultCommandHasItsOptions) {
    const auto help = helpText(kListingStore, nullptr, 80);
    EXPECT_THAT(help,
                AllOf(StartsWith("mc-store: keys of a store\n"), HasSubstr("Usage: mc-store [COMMAND] [OPTIONS]\n"),
                      HasSubstr("  save  save keys\n"), HasSubstr("--prefix"), HasSubstr("it is list.\n")));
    EXPECT_EQ(helpText(kListingStore, findCommand(kListingStore, "list"), 80), help);
    EXPECT_THAT(helpText(kListingStore, findCommand(kListingStore, "save"), 80), Not(HasSubstr("--prefix")));
}

TEST(Wrap, keepsParagraphsAndWordsWhole) {
    EXPECT_THAT(wrapText("aa bb\ncc  dddddddd\n\ne", 5), ElementsAre("aa bb", "cc", "dddddddd", "", "e"));
    EXPECT_TRUE(wrapText("", 10).empty());
}

TEST(Man, escapesWhatRoffWouldRead) {
    const auto roff = manOptions(kSample);
    EXPECT_THAT(roff, HasSubstr(".SS \"Load\"\n"));
    EXPECT_THAT(roff,
                HasSubstr(".TP\n\\fB\\-b\\fR, \\fB\\-\\-block\\-size\\fR \\fISIZE\\fR,...\nBytes of one request.\n"));
    EXPECT_THAT(roff, HasSubstr("back\\eslashes"));
    for (const auto& line : split(roff, '\n')) {
        if (!line.starts_with('.')) continue;
        EXPECT_TRUE(line.starts_with(".TP") || line.starts_with(".SS")) << line;
    }
}

TEST(Man, listsTheOptionsOfSubcommandsOnce) {
    const auto roff = manOptions(kStore);
    EXPECT_THAT(roff, HasSubstr(".SS \"mc\\-store list: Options\"\n"));
    const auto first = roff.find("\\-\\-quiet");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(roff.find("\\-\\-quiet", first + 1), std::string::npos);
}

TEST(PrintConfig, tellsValueAndOriginOfEachKey) {
    const auto file = writeFile("print.toml", "ratio = 0.25\n");
    const auto values = loadSample({"--block-size=4k,1MiB"}, {{"MC_THREADS", "5"}}, file);
    ASSERT_TRUE(values) << values.error().message;
    const auto toml = effectiveToml(*values);
    EXPECT_THAT(toml, HasSubstr("block_size = [\"4KiB\", \"1MiB\"]  # flag\n"));
    EXPECT_THAT(toml, HasSubstr("threads = 5  # environment MC_THREADS\n"));
    EXPECT_THAT(toml, HasSubstr("ratio = 0.25  # " + file + ":1:9\n"));
    EXPECT_THAT(toml, HasSubstr("duration = \"10s\"  # default\n"));
    EXPECT_THAT(toml, HasSubstr("quiet = false  # default\n"));
    EXPECT_THAT(toml, HasSubstr("# segment_id is not set\n"));
    EXPECT_THAT(toml, Not(HasSubstr("config")));
}

TEST(PrintConfig, doesNotShowSecrets) {
    const auto toml = effectiveToml(*loadSample({"--password", "hunter2"}));
    EXPECT_THAT(toml, Not(HasSubstr("hunter2")));
    EXPECT_THAT(toml, HasSubstr("# password is a secret, and set\n"));
}

TEST(PrintConfig, doesNotShowUserAndPasswordOfAUrl) {
    const auto values = loadSample({"--segment-id=http://me:hunter2@host:80/metadata"});
    EXPECT_THAT(effectiveToml(*values), HasSubstr("segment_id = \"http://host:80/metadata\"  # flag\n"));
    EXPECT_EQ(nlohmann::json::parse(effectiveJson(*values))["options"]["segment_id"]["value"],
              "http://host:80/metadata");
}

TEST(PrintConfig, canBeLoadedBack) {
    const std::string awkward = "tab\t quote\" back\\slash 'single' # hash\nline \x01 \xc3\xa9";
    const auto values =
        loadSample({"--segment-id", awkward, "--files", "/a", "/b c", "--ratio=0.1", "--duration=1500us", "--no-cache",
                    "--ipv6", "--offset=-7", "--block-size=1000,64KiB", "--mode=target"});
    ASSERT_TRUE(values) << values.error().message;
    const auto file = writeFile("back.toml", effectiveToml(*values));
    const auto again = loadSample({}, {}, file);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->text("segment-id"), awkward);
    for (std::size_t i = 0; i < values->entries().size(); ++i) {
        const auto& before = values->entries()[i];
        const auto& after = again->entries()[i];
        if (before.option->type == Type::Flag && !before.set) {
            EXPECT_FALSE(again->has(before.option->name) && again->flag(before.option->name));
        } else {
            EXPECT_EQ(before.items, after.items) << before.option->name;
        }
    }
}

TEST(PrintConfig, aCommentStaysOneLine) {
    const auto file = writeFile("line\nbreak.toml", "threads = 2\n");
    const auto toml = effectiveToml(*loadSample({}, {}, file));
    EXPECT_THAT(toml, HasSubstr("line?break.toml:1:11\n"));
}

TEST(EffectiveJson, hasEveryValueWithItsOrigin) {
    const auto values =
        loadSample({"--block-size=4k,1MiB", "--duration=1500ms", "--password=hunter2"}, {{"MC_THREADS", "5"}});
    const auto text = effectiveJson(*values);
    const auto document = nlohmann::json::parse(text);
    EXPECT_EQ(document["schema_version"], 1);
    const auto& options = document["options"];
    EXPECT_EQ(options["block_size"], nlohmann::json({{"value", {4096, 1048576}}, {"origin", "flag"}}));
    EXPECT_EQ(options["threads"], nlohmann::json({{"value", 5}, {"origin", "environment MC_THREADS"}}));
    EXPECT_EQ(options["duration"]["value"], 1.5);
    EXPECT_EQ(options["cache"], nlohmann::json({{"value", true}, {"origin", "default"}}));
    EXPECT_EQ(options["quiet"]["value"], false);
    EXPECT_EQ(options["segment_id"]["value"], nullptr);
    EXPECT_EQ(options["password"], nlohmann::json({{"secret", true}, {"set", true}, {"origin", "flag"}}));
    EXPECT_FALSE(options.contains("help"));
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace mc::config::test
