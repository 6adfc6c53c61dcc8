#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/documents.h"
#include "docgen/documents.h"
#include "sample_tool.h"
#include "temporary.h"

namespace mc::tools::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const config::Tool* kTools[] = {&kTool};
constexpr const char* kPage =
    ".TH MC\\-SAMPLE 1\n.SH OPTIONS\n.\\\" BEGIN OPTIONS\nold\n.\\\" END OPTIONS\n.SH SEE ALSO\n";

class Docgen : public testing::Test {
  protected:
    void SetUp() override {
        root_ = mc::test::temporaryPath("docgen");
        std::filesystem::remove_all(root_);
        std::filesystem::create_directories(root_ + "/man");
        std::filesystem::create_directories(root_ + "/completions");
        write("man/mc-sample.1", kPage);
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& content) const {
        std::ofstream(root_ + "/" + path) << content;
    }
    std::string read(const std::string& path) const {
        std::ostringstream content;
        content << std::ifstream(root_ + "/" + path).rdbuf();
        return content.str();
    }

    std::string root_;
};

TEST_F(Docgen, updateWritesWhatCheckThenFindsInOrder) {
    const auto all = ElementsAre("man/mc-sample.1", "completions/mc-sample.bash", "completions/_mc-sample",
                                 "completions/mc-sample.fish");
    EXPECT_THAT(*findOutdated(kTools, root_), all);
    EXPECT_THAT(*updateDocuments(kTools, root_), all);
    EXPECT_THAT(*findOutdated(kTools, root_), IsEmpty());
    EXPECT_THAT(*updateDocuments(kTools, root_), IsEmpty());
    EXPECT_EQ(read("completions/mc-sample.bash"), config::bashCompletion(kTool));
}

TEST_F(Docgen, onlyTheRegionOfThePageIsGenerated) {
    ASSERT_TRUE(updateDocuments(kTools, root_));
    EXPECT_EQ(read("man/mc-sample.1"), ".TH MC\\-SAMPLE 1\n.SH OPTIONS\n.\\\" BEGIN OPTIONS\n" +
                                           config::manOptions(kTool) + ".\\\" END OPTIONS\n.SH SEE ALSO\n");
}

TEST_F(Docgen, checkNamesTheFileThatWasEdited) {
    ASSERT_TRUE(updateDocuments(kTools, root_));
    write("completions/mc-sample.fish", "# edited\n");
    EXPECT_THAT(*findOutdated(kTools, root_), ElementsAre("completions/mc-sample.fish"));
    EXPECT_EQ(read("completions/mc-sample.fish"), "# edited\n") << "a check changes nothing";
}

TEST_F(Docgen, aPageWithoutTheRegionOrNoPageIsAnError) {
    write("man/mc-sample.1", ".SH OPTIONS\n.\\\" END OPTIONS\n.\\\" BEGIN OPTIONS\n");
    const auto unmarked = findOutdated(kTools, root_);
    ASSERT_FALSE(unmarked);
    EXPECT_EQ(unmarked.error().code, ErrorCode::BadData);
    EXPECT_THAT(unmarked.error().hint, HasSubstr("BEGIN OPTIONS"));
    std::filesystem::remove(root_ + "/man/mc-sample.1");
    EXPECT_EQ(updateDocuments(kTools, root_).error().code, ErrorCode::NoInput);
}

}  // namespace
}  // namespace mc::tools::test
