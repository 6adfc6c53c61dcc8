#include "control/served_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary.h"

namespace mc::control {
namespace {

using testing::HasSubstr;

TEST(FileNames, AreNumbersOrPaths) {
    EXPECT_EQ(std::get<FileBufferID>(*parseFileName("12")), 12);
    EXPECT_EQ(std::get<std::string>(*parseFileName("/data//f0")), "/data/f0");
    EXPECT_EQ(std::get<std::string>(*parseFileName("./12")), std::filesystem::current_path() / "12");
    EXPECT_EQ(std::get<std::string>(*parseFileName("/99999999999")), "/99999999999");
    EXPECT_FALSE(parseFileName(""));
    EXPECT_EQ(toString(*parseFileName("12")), "12");
    EXPECT_EQ(toString(*parseFileName("/data/f0")), "/data/f0");
}

class CheckedFiles : public testing::Test {
  protected:
    CheckedFiles() {
        std::filesystem::create_directory(directory_);
        std::ofstream(file_) << std::string(8192, 'x');
    }
    ~CheckedFiles() override { std::filesystem::remove_all(directory_); }
    Error problem(std::vector<FileRequest> requests) const {
        const auto checked = files_.check(requests, {});
        EXPECT_FALSE(checked);
        return checked ? Error{} : checked.error();
    }

    const std::filesystem::path directory_ = mc::test::temporaryPath("served");
    const std::string file_ = directory_ / "f0";
    ServedFiles files_;
};

TEST_F(CheckedFiles, MustBeThereAndLongEnough) {
    EXPECT_TRUE(files_.check(std::vector<FileRequest>{{.path = file_}}, {}));
    EXPECT_TRUE(files_.check(std::vector<FileRequest>{{.path = file_, .size = 8192}}, {}));
    EXPECT_EQ(problem({{.path = file_ + "x"}}).code, ErrorCode::NoInput);
    EXPECT_EQ(problem({{.path = directory_}}).code, ErrorCode::BadData);
    const Error longer = problem({{.path = file_, .size = 16384}});
    EXPECT_EQ(longer.code, ErrorCode::InvalidArgument);
    EXPECT_THAT(longer.message, HasSubstr("has 8KiB, less than the 16KiB asked for"));
    EXPECT_EQ(longer.hint, "make it as long: truncate -s 16384 " + file_);
    std::ofstream(directory_ / "empty").close();
    EXPECT_EQ(problem({{.path = directory_ / "empty"}}).code, ErrorCode::BadData);
}

TEST_F(CheckedFiles, AreServedOnceWhateverTheirNames) {
    const std::string link = directory_ / "link";
    std::filesystem::create_symlink(file_, link);
    const std::string hard = directory_ / "hard";
    std::filesystem::create_hard_link(file_, hard);
    EXPECT_THAT(problem({{.path = file_}, {.path = file_}}).message, HasSubstr("f0: is named twice"));
    EXPECT_THAT(problem({{.path = file_}, {.path = link}}).message, HasSubstr("are the same file"));
    EXPECT_EQ(problem({{.path = link}, {.path = hard}}).code, ErrorCode::AlreadyExists);
}

TEST_F(CheckedFiles, NoneIsThereToBeRemoved) {
    EXPECT_EQ(files_.find({.names = {FileName(FileBufferID{1})}}).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(files_.find({.names = {FileName(FileBufferID{1})}, .ignore_missing = true})->empty());
    EXPECT_TRUE(files_.describe().empty());
}

}  // namespace
}  // namespace mc::control
