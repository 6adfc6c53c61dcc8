#include <gtest/gtest.h>

#include "sample_tool.h"

namespace mc::config::test {
namespace {

bool asksForJson(std::vector<std::string> arguments, Variables environment = {}, std::string toml = {},
                 const Tool& tool = kSample) {
    const Sources sources{.arguments = arguments, .environment = std::move(environment), .toml_file = std::move(toml)};
    const auto json = glimpse(tool, sources, "json");
    return json && std::get<bool>(*json);
}

TEST(Glimpse, argvIsUnderstoodAroundWhatIsWrongInIt) {
    EXPECT_TRUE(asksForJson({"--bogus", "-json"}));
    EXPECT_TRUE(asksForJson({"--json", "--threads", "many"}));
    EXPECT_TRUE(asksForJson({"list", "--prefix", "--nojson", "--json"}, {}, {}, kStore));
    EXPECT_FALSE(asksForJson({"--bogus"}));
    EXPECT_FALSE(asksForJson({"--json", "--nojson"}));
    EXPECT_FALSE(asksForJson({"--json=maybe"}));
    EXPECT_FALSE(asksForJson({"--", "--json"}));
    EXPECT_FALSE(asksForJson({"--segment-id", "--json"})) << "a value";
}

TEST(Glimpse, argvBeatsTheEnvironmentWhichBeatsTheFile) {
    const auto on = writeFile("on.toml", "json = true\n");
    EXPECT_TRUE(asksForJson({}, {{"MC_JSON", "1"}}));
    EXPECT_FALSE(asksForJson({"--nojson"}, {{"MC_JSON", "1"}}));
    EXPECT_TRUE(asksForJson({}, {}, on));
    EXPECT_FALSE(asksForJson({}, {{"MC_JSON", "0"}}, on));
    EXPECT_FALSE(asksForJson({"--no-json"}, {}, on));
}

TEST(Glimpse, aFileIsReadAsFarAsItIsToml) {
    for (const auto* text : {"json = true\nthreads = 0\n", "bogus = 1\njson = true\n", "[load]\n[other]\n",
                             "json = true\nthreads = = 3\n", "json = true\njson = true\n"}) {
        const auto file = writeFile("broken.toml", text);
        EXPECT_FALSE(loadSample({"--config", file})) << text;
        EXPECT_EQ(asksForJson({"--config", file}), std::string(text).contains("json")) << text;
        EXPECT_EQ(asksForJson({"--config=" + file}), std::string(text).contains("json")) << text;
    }
    EXPECT_FALSE(asksForJson({}, {}, writeFile("late.toml", "threads = =\njson = true\n"))) << "behind the error";
    EXPECT_FALSE(asksForJson({}, {}, writeFile("text.toml", "json = [true]\n")));
    EXPECT_FALSE(asksForJson({"--config", "/nonexistent.toml"}));
}

TEST(Glimpse, otherTypesAndUnknownNames) {
    const std::vector<std::string> arguments{"--mode", "target", "--bogus"};
    const Sources sources{.arguments = arguments, .environment = {}, .toml_file = {}};
    EXPECT_EQ(glimpse(kSample, sources, "mode"), Scalar(std::string("target")));
    EXPECT_EQ(glimpse(kSample, sources, "nothing"), std::nullopt);
}

}  // namespace
}  // namespace mc::config::test
