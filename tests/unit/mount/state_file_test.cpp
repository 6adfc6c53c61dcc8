#include "mount/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "temporary.h"

namespace mc::mount {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

MountEntry sample(const std::string& directory) {
    return {
        .directory = directory,
        .segment = "10.0.0.1:12345",
        .through = "fuse",
        .options = {"--read-only=true", "--", "10.0.0.1:12345", directory},
        .server = {.pid = 77, .started = 88},
        .controller = "nvme1",
        .device = "/dev/nvme1n2",
        .starting = false,
        .supervised = true,
        .created = "2026-01-31T12:00:00Z",
        .files =
            {{.name = "f\"0", .number = 3, .path = "/data/f\"0", .size = std::uint64_t{1} << 62, .identity = "uuid.1"}},
        .recorded = Recorded{.key = "mooncake/nvmeof/cache", .server_name = "node2"}};
}

class StateFile : public testing::Test {
  protected:
    ~StateFile() override { std::filesystem::remove_all(folder_); }
    Result<void> add(const std::string& directory) {
        return updateState(
            path_,
            [&](std::vector<MountEntry>& entries) -> Result<bool> {
                entries.push_back(sample(directory));
                return true;
            },
            SteadyClock::now() + std::chrono::minutes(1));
    }
    const std::string folder_ = test::temporaryPath("state");
    const std::string path_ = folder_ + "/a/mounts.json";
};

TEST_F(StateFile, GivesBackWhatWasWritten) {
    MountEntry plain = sample("/mnt/b");
    plain.recorded.reset();
    const std::vector<MountEntry> entries{sample("/mnt/a"), plain};
    EXPECT_EQ(decodeState(encodeState(entries)).value(), entries);
    EXPECT_EQ(decodeState(encodeState({})).value(), std::vector<MountEntry>{});
}

TEST_F(StateFile, OfAnEarlierVersionHasNoIdentities) {
    const auto entries = decodeState(R"({"schema_version": 1, "mounts": [{"directory": "/mnt/a", "segment": "s",
        "through": "kernel", "options": [], "pid": 0, "started_ticks": 0, "controller": "nvme1",
        "device": "/dev/nvme1n2", "starting": false, "supervised": false, "created": "",
        "files": [{"name": "f0", "number": 1, "path": "/data/f0", "size_bytes": 4096}]}]})");
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_THAT(entries->at(0).files, SizeIs(1));
    EXPECT_EQ(entries->at(0).files[0].identity, "");
    EXPECT_THAT(encodeState(*entries), testing::Not(HasSubstr("namespace")));
}

TEST_F(StateFile, IsMadeWithItsDirectoryAndForItsUserAlone) {
    EXPECT_THAT(readState(path_).value(), SizeIs(0));
    ASSERT_TRUE(add("/mnt/a"));
    ASSERT_TRUE(add("/mnt/b"));
    auto entries = readState(path_).value();
    ASSERT_THAT(entries, SizeIs(2));
    EXPECT_EQ(findEntry(entries, "/mnt/b"), &entries[1]);
    EXPECT_EQ(findEntry(entries, "/mnt"), nullptr);
    struct stat facts{};
    ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(StateFile, StaysAsItIsWhereAnEditFailsOrChangesNothing) {
    ASSERT_TRUE(add("/mnt/a"));
    const auto edit = [&](const Result<bool>& outcome) {
        return updateState(
            path_,
            [&](std::vector<MountEntry>& entries) {
                entries.clear();
                return outcome;
            },
            std::nullopt);
    };
    EXPECT_TRUE(edit(false));
    EXPECT_EQ(edit(std::unexpected(Error{ErrorCode::Busy, "no", {}})).error().code, ErrorCode::Busy);
    EXPECT_THAT(readState(path_).value(), SizeIs(1));
}

TEST_F(StateFile, SeveralAtOnceLoseNothing) {
    constexpr int kThreads = 4;
    constexpr int kEach = 10;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([this, thread] {
                for (int i = 0; i < kEach; ++i)
                    EXPECT_TRUE(add("/mnt/" + std::to_string(thread) + "-" + std::to_string(i)));
            });
        }
    }
    EXPECT_THAT(readState(path_).value(), SizeIs(kThreads * kEach));
}

TEST_F(StateFile, WhatIsNoneIsAnErrorThatNamesIt) {
    ASSERT_TRUE(add("/mnt/a"));
    for (const char* text : {"", "{", "[]", R"({"schema_version": 2, "mounts": []})", R"({"schema_version": 1})",
                             R"({"schema_version": 1, "mounts": [{"directory": 5}]})"}) {
        std::ofstream(path_) << text;
        const auto read = readState(path_);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, ErrorCode::BadData);
        EXPECT_THAT(read.error().message, HasSubstr(path_));
        EXPECT_FALSE(add("/mnt/b")) << "what can't be read is not written over";
    }
}

TEST_F(StateFile, AnotherProcessThatHoldsItIsWaitedForUntilTheDeadline) {
    ASSERT_TRUE(add("/mnt/a"));
    const auto held = updateState(
        path_,
        [&](std::vector<MountEntry>&) -> Result<bool> {
            const auto second =
                updateState(path_, [](std::vector<MountEntry>&) -> Result<bool> { return true; }, SteadyClock::now());
            EXPECT_EQ(second.error().code, ErrorCode::Busy);
            return false;
        },
        std::nullopt);
    EXPECT_TRUE(held);
}

}  // namespace
}  // namespace mc::mount
