#include "segment/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary.h"

namespace mc {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(PriorityMatrixText, ReadsAndWrites) {
    const auto matrix = parsePriorityMatrix(R"({ "cpu:0": [["mlx0", "mlx1"], ["mlx2"]], "cuda:0": [["mlx1"]] })");
    ASSERT_TRUE(matrix) << matrix.error().message;
    EXPECT_EQ(*matrix, (PriorityMatrix{{"cpu:0", {{"mlx0", "mlx1"}, {"mlx2"}}}, {"cuda:0", {{"mlx1"}, {}}}}));
    EXPECT_EQ(formatPriorityMatrix(*matrix), R"({"cpu:0":[["mlx0","mlx1"],["mlx2"]],"cuda:0":[["mlx1"],[]]})");
    EXPECT_EQ(formatPriorityMatrix({}), "{}");
}

TEST(PriorityMatrixText, ErrorsNameTheEntry) {
    const auto complaint = [](std::string_view text) {
        const auto matrix = parsePriorityMatrix(text);
        return matrix ? "none" : matrix.error().message;
    };
    EXPECT_EQ(complaint(R"({"cpu:0":[["a"],["b",7]]})"),
              "priority matrix: cpu:0[1][1]: expected a string, got a number");
    EXPECT_EQ(complaint(R"({"cpu:0":["a"]})"), "priority matrix: cpu:0[0]: expected an array, got a string");
    EXPECT_EQ(complaint(R"({"cpu:0":[[],[],[]]})"), "priority matrix: cpu:0[2]: more than 2 elements");
    EXPECT_EQ(complaint(R"([])"), "priority matrix: expected an object, got an array");
    EXPECT_THAT(complaint(R"({"cpu:0":)"), StartsWith("priority matrix: malformed JSON at byte 10: "));
}

TEST(PriorityMatrixFile, IsReadAndNamedInErrors) {
    const std::string path = mc::test::temporaryPath("matrix.json");
    std::ofstream(path) << R"({"cpu:0":[["a"],[]]})";
    const auto matrix = readPriorityMatrix(path);
    ASSERT_TRUE(matrix) << matrix.error().message;
    EXPECT_EQ(*matrix, (PriorityMatrix{{"cpu:0", {{"a"}, {}}}}));

    std::ofstream(path) << R"({"cpu:0":1})";
    const auto wrong = readPriorityMatrix(path);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message, path + ": priority matrix: cpu:0: expected an array, got a number");
    EXPECT_EQ(wrong.error().code, ErrorCode::BadData);

    std::ofstream(path) << std::string((1U << 20) + 1, ' ');
    const auto large = readPriorityMatrix(path);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().message, path + ": larger than 1 MiB");

    std::filesystem::remove(path);
    const auto missing = readPriorityMatrix(path);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "open " + path + ": No such file or directory");
    EXPECT_EQ(missing.error().code, ErrorCode::NoInput);
}

TEST(Topology, NumbersDevicesAtFirstSightPreferredBeforeAvailable) {
    const Topology topology({{"cuda:0", {{"d"}, {"a"}}}, {"cpu:0", {{"b", "a"}, {"c"}}}});
    EXPECT_THAT(topology.nics(), ElementsAre("b", "a", "c", "d"));
}

TEST(Topology, FirstTryIsOneOfThePreferred) {
    const Topology topology({{"cpu:0", {{"a", "b"}, {"c"}}}});
    EXPECT_EQ(topology.choose("cpu:0", 0, 0), 0U);
    EXPECT_EQ(topology.choose("cpu:0", 0, 1), 1U);
    EXPECT_EQ(topology.choose("cpu:0", 0, 2), 0U);
}

TEST(Topology, FirstTryIsOneOfTheAvailableWhereNoneIsPreferred) {
    const Topology topology({{"cpu:0", {{}, {"a", "b"}}}});
    EXPECT_EQ(topology.choose("cpu:0", 0, 3), 1U);
}

TEST(Topology, RetriesWalkPreferredThenAvailableRoundAndRound) {
    const Topology topology({{"cpu:0", {{"a", "b"}, {"c"}}}});
    std::vector<std::size_t> walk;
    for (std::uint32_t retry = 1; retry <= 4; ++retry)
        walk.push_back(*topology.choose("cpu:0", retry, 99));
    EXPECT_THAT(walk, ElementsAre(0, 1, 2, 0));
}

TEST(Topology, WildcardHasEveryDevicePreferred) {
    const Topology topology({{"cpu:0", {{"a"}, {"b"}}}, {"cpu:1", {{"c"}, {}}}, {"cuda:0", {}}});
    for (const auto* location : {"*", "cuda:7", "cuda:0"}) {
        EXPECT_EQ(topology.choose(location, 0, 2), 2U) << location;
        EXPECT_EQ(topology.choose(location, 2, 0), 1U) << location;
    }
}

TEST(Topology, WildcardOfTheMatrixIsKept) {
    const Topology topology({{"*", {{"b"}, {}}}, {"cpu:0", {{"a"}, {}}}});
    EXPECT_THAT(topology.nics(), ElementsAre("b", "a"));
    EXPECT_EQ(topology.choose("cuda:0", 0, 1), 0U);
}

TEST(Topology, WithoutDevicesThereIsNoChoice) {
    EXPECT_EQ(Topology(PriorityMatrix{{"cpu:0", {}}}).choose("cpu:0", 0, 0), std::nullopt);
    EXPECT_EQ(Topology(PriorityMatrix{}).choose("*", 1, 0), std::nullopt);
}

}  // namespace
}  // namespace mc
