#include "mount/file_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mc::mount {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SegmentDescriptor served(const std::vector<std::string>& paths) {
    SegmentDescriptor descriptor;
    descriptor.name = "node1";
    descriptor.protocols = {"nvmeof_generic"};
    for (const auto& path : paths)
        descriptor.file_buffers.push_back(
            {.id = static_cast<std::uint32_t>(descriptor.file_buffers.size() + 1), .path = path, .size = 4096});
    return descriptor;
}

std::vector<std::string> names(const std::vector<std::string>& paths) {
    const auto files = planFiles(served(paths));
    std::vector<std::string> all;
    for (const auto& file : files.value())
        all.push_back(file.name);
    return all;
}

TEST(FilePlan, NamesAreTheLastPartsOfPaths) {
    EXPECT_THAT(names({"/data/f0", "f1", "/dev/nvme0n1"}), ElementsAre("f0", "f1", "nvme0n1"));
}

TEST(FilePlan, TheSameNameGetsTheNumberOfEach) {
    EXPECT_THAT(names({"/a/f", "/b/f", "/c/g"}), ElementsAre("1-f", "2-f", "g"));
    EXPECT_THAT(names({"/a/f", "/b/f", "/c/1-f"}), ElementsAre("1-1-f", "2-f", "1-f")) << "one is really called so";
    EXPECT_THAT(names({"/a/.mc-status"}), ElementsAre("1-.mc-status"));
}

TEST(FilePlan, ANameThatIsItsOwnPrefixIsToldApart) {
    std::string prefixes = "1";
    while (prefixes.size() < 255)
        prefixes.insert(0, "1-");
    const std::string cut = prefixes.substr(0, 253);
    EXPECT_THAT(names({"/a/" + cut + "xx", "/b/" + cut + "xx", "/c/" + prefixes}),
                ElementsAre("1-2-" + cut.substr(0, 251), "2-" + cut, prefixes));
}

TEST(FilePlan, WhatIsNoNameIsMadeOne) {
    EXPECT_THAT(names({"", "/", "/a/..", "/a/."}), ElementsAre("file-1", "file-2", "file-3", "file-4"));
    EXPECT_THAT(names({"/a/x\ny\x7f"}), ElementsAre("x_y_"));
    EXPECT_THAT(names({"/" + std::string(256, 'n')}), ElementsAre("file-1"));
    const std::string longest(255, 'n');
    EXPECT_THAT(names({"/a/" + longest, "/b/" + longest}),
                ElementsAre("1-" + longest.substr(2), "2-" + longest.substr(2)));
    EXPECT_THAT(names({"/a/" + std::string(1, '\0')}), ElementsAre("_"));
}

TEST(FilePlan, LegacyFilesAreOneBehindTheOther) {
    SegmentDescriptor descriptor;
    descriptor.protocols = {"nvmeof"};
    descriptor.legacy_files = {{.file_path = "/a", .length = 100}, {.file_path = "/b", .length = 50}};
    const auto files = planFiles(descriptor);
    ASSERT_TRUE(files);
    EXPECT_EQ((*files)[1],
              (MountedFile{.name = "b", .path = "/b", .number = 2, .size = 50, .file_id = 0, .offset = 100}));
    descriptor.legacy_files[0].length = UINT64_MAX;
    EXPECT_EQ(planFiles(descriptor).error().code, ErrorCode::BadData);
}

TEST(FilePlan, MemoryHasNoFiles) {
    SegmentDescriptor descriptor;
    descriptor.name = "node1";
    descriptor.protocols = {"tcp"};
    EXPECT_THAT(planFiles(descriptor).error().message, HasSubstr("protocol tcp, which has no files"));
}

TEST(FilePlan, FilesAreChosenByNumberPathOrName) {
    const auto files = planFiles(served({"/a/f", "/b/f", "/c/2"})).value();
    const auto chosen = [&](std::vector<std::string> words) {
        std::vector<std::uint64_t> numbers;
        for (const auto& file : selectFiles(files, words).value())
            numbers.push_back(file.number);
        return numbers;
    };
    EXPECT_THAT(chosen({}), ElementsAre(1, 2, 3));
    EXPECT_THAT(chosen({"2"}), ElementsAre(2));
    EXPECT_THAT(chosen({"./2", "/a/f"}), ElementsAre(1, 3));
    EXPECT_THAT(chosen({"2-f", "2"}), ElementsAre(2));
    const std::vector<std::string> none{"f"};
    EXPECT_EQ(selectFiles(files, none).error().code, ErrorCode::NotFound);
}

TEST(FilePlan, LegacyFilesAreFoundAtATargetByTheirPaths) {
    SegmentDescriptor legacy;
    legacy.legacy_files = {{.file_path = "/b", .length = 4096}, {.file_path = "/a", .length = 100}};
    const auto files = planFiles(legacy).value();
    const auto located = locateFiles(files, served({"/x", "/a", "/b"}));
    ASSERT_TRUE(located);
    EXPECT_EQ((*located)[0],
              (MountedFile{.name = "b", .path = "/b", .number = 1, .size = 4096, .file_id = 3, .offset = 0}));
    EXPECT_EQ((*located)[1].file_id, 2);
    EXPECT_THAT(locateFiles(files, served({"/a"})).error().message, HasSubstr("/b"));
    legacy.legacy_files[0].length = 4097;
    EXPECT_EQ(locateFiles(planFiles(legacy).value(), served({"/a", "/b"})).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace mc::mount
