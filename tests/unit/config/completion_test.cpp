#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "config/documents.h"
#include "sample_tool.h"

namespace mc::config::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

// What a command prints, with the status of its exit at the end: "...\nstatus 0".
std::string outputOf(const std::string& command) {
    const auto close = [](std::FILE* pipe) { ::pclose(pipe); };
    const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen((command + "; echo status $?").c_str(), "r"), close);
    std::string output;
    std::array<char, 4096> chunk;
    while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe.get()))
        output.append(chunk.data(), got);
    return output;
}

// Completes the last of `words`, given as bash's own words after the tool's name.
std::vector<std::string> complete(const Tool& tool, const std::string& words) {
    const auto script = writeFile("completion.bash", bashCompletion(tool));
    const std::string name(tool.main.name);
    const std::string function = "_mc_" + name.substr(3);
    const auto driver = writeFile("driver.bash", "source " + script + "\nCOMP_WORDS=(" + name + " " + words +
                                                     ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n" + function +
                                                     "\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    auto lines = split(outputOf("bash " + driver), '\n');
    lines.resize(lines.size() - 2);  // The status and the end of its line.
    std::erase(lines, "");
    return lines;
}

TEST(BashCompletion, isValidBash) {
    for (const Tool* tool : {&kSample, &kStore}) {
        const auto script = writeFile("syntax.bash", bashCompletion(*tool));
        EXPECT_EQ(outputOf("bash -n " + script + " 2>&1"), "status 0\n");
    }
}

TEST(BashCompletion, completesOptions) {
    EXPECT_THAT(complete(kSample, "--blo"), ElementsAre("--block-size"));
    EXPECT_THAT(complete(kSample, "--"), IsSupersetOf({"--mode", "--cache", "--no-cache", "--help"}));
    EXPECT_THAT(complete(kSample, "--nothing"), IsEmpty());
}

TEST(BashCompletion, completesChoicesAfterSpaceAndEqualsSign) {
    EXPECT_THAT(complete(kSample, "--mode ''"), ElementsAre("initiator", "target", "loopback"));
    EXPECT_THAT(complete(kSample, "--mode = lo"), ElementsAre("loopback"));
    EXPECT_THAT(complete(kSample, "--mode ="), ElementsAre("initiator", "target", "loopback"));
    EXPECT_THAT(complete(kSample, "--report_unit K"), ElementsAre("KiB"));
    EXPECT_THAT(complete(kSample, "--threads ''"), IsEmpty());
}

TEST(BashCompletion, completesFileNamesEvenWithSpaces) {
    const auto file = writeFile("completed file.toml", "");
    const auto start = mc::test::temporaryPath("completed");
    EXPECT_THAT(complete(kSample, "--config " + start), ElementsAre(file));
    EXPECT_THAT(complete(kSample, start), ElementsAre(file)) << "a positional";
    EXPECT_THAT(complete(kStore, "save " + start), ElementsAre(file));
}

TEST(BashCompletion, completesSubcommandsAndTheirOptions) {
    EXPECT_THAT(complete(kStore, "''"), ElementsAre("list", "save"));
    EXPECT_THAT(complete(kStore, "s"), ElementsAre("save"));
    EXPECT_THAT(complete(kStore, "list --pre"), ElementsAre("--prefix"));
    EXPECT_THAT(complete(kStore, "-q save --pre"), IsEmpty());
    EXPECT_THAT(complete(kStore, "list --qui"), ElementsAre("--quiet"));
}

TEST(BashCompletion, completesTheOptionsOfTheDefaultCommandWithoutIt) {
    EXPECT_THAT(complete(kStore, "--pre"), IsEmpty());
    EXPECT_THAT(complete(kListingStore, "--pre"), ElementsAre("--prefix"));
    EXPECT_THAT(complete(kListingStore, "save --pre"), IsEmpty());
}

TEST(ZshCompletion, describesOptionsWithTheirValues) {
    const auto script = zshCompletion(kSample);
    EXPECT_THAT(script, testing::StartsWith("#compdef mc-sample\n"));
    EXPECT_THAT(script, HasSubstr("'--mode=[role of this process]:WORD:(initiator target loopback)'"));
    EXPECT_THAT(script, HasSubstr("'(-q --quiet)'{-q,--quiet}'[say less]'"));
    EXPECT_THAT(script, HasSubstr("'(-b --block-size)'{-b+,--block-size=}'[bytes of one request]:SIZE: '"));
    EXPECT_THAT(script, HasSubstr("'--segment-id=[the \\[remote\\] segment'\\''s name\\: as \"published\"]:TEXT: '"));
    EXPECT_THAT(script, HasSubstr("'*--label=[words to keep with the result]:TEXT: '"));
    EXPECT_THAT(script, HasSubstr("'--no-cache[do not keep descriptors]'"));
    EXPECT_THAT(script, HasSubstr("'*:FILE:_files'"));
}

TEST(ZshCompletion, describesSubcommands) {
    const auto script = zshCompletion(kStore);
    EXPECT_THAT(script, AllOf(HasSubstr("':command:((list\\:list\\ keys save\\:save\\ keys))'"),
                              HasSubstr("    (list)\n"), HasSubstr("'--prefix=[what names start with]:TEXT: '")));
}

TEST(FishCompletion, describesOptionsWithTheirValues) {
    const auto script = fishCompletion(kSample);
    EXPECT_THAT(
        script,
        HasSubstr("complete -c mc-sample -l mode -x -a 'initiator target loopback' -d 'role of this process'\n"));
    EXPECT_THAT(script, HasSubstr("complete -c mc-sample -s q -l quiet -d 'say less'\n"));
    EXPECT_THAT(script, HasSubstr("complete -c mc-sample -l config -r -F -d 'TOML file'\n"));
    EXPECT_THAT(script, HasSubstr("'the [remote] segment\\'s name: as \"published\"'"));
    EXPECT_THAT(script, HasSubstr("-l no-cache -d 'do not keep descriptors'\n"));
    EXPECT_THAT(script, Not(HasSubstr("complete -c mc-sample -f\n"))) << "positionals are files";
}

TEST(FishCompletion, describesSubcommands) {
    const auto script = fishCompletion(kStore);
    EXPECT_THAT(script, HasSubstr("complete -c mc-store -f\n"));
    EXPECT_THAT(script, HasSubstr("complete -c mc-store -n __fish_use_subcommand -a list -d 'list keys'\n"));
    EXPECT_THAT(script, HasSubstr("complete -c mc-store -n '__fish_seen_subcommand_from list' -l prefix -x"));
    EXPECT_THAT(script, HasSubstr("complete -c mc-store -n '__fish_seen_subcommand_from save' -F\n"));
    EXPECT_THAT(fishCompletion(kListingStore),
                HasSubstr("-n '__fish_use_subcommand; or __fish_seen_subcommand_from list' -l prefix -x"));
}

}  // namespace
}  // namespace mc::config::test
