#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>

#include "temporary.h"
#include "transport/local_files/local_files_transport.h"

namespace mc::localfiles {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kFileSize = 10000;
constexpr int kFiles = 3;

/// A segment of three files that "here" has mounted, and a transport that reaches it.
class LocalFiles : public ::testing::Test {
  protected:
    void SetUp() override {
        descriptor_.name = "nvmeof/test";
        descriptor_.protocols = {"nvmeof"};
        for (int i = 0; i < kFiles; ++i) {
            paths_.push_back(mc::test::temporaryPath("local" + std::to_string(i)));
            std::ofstream(paths_.back(), std::ios::binary) << std::string(kFileSize, static_cast<char>('a' + i));
            LegacyFile& file = descriptor_.legacy_files.emplace_back();
            file.file_path = "/remote/" + std::to_string(i);
            file.length = kFileSize;
            file.local_path_map["here"] = paths_.back();
        }
        auto transport = LocalFilesTransport::open("here", 2);
        ASSERT_TRUE(transport) << transport.error().message;
        transport_ = std::move(*transport);
        auto peer = transport_->connect("", descriptor_);
        ASSERT_TRUE(peer) << peer.error().message;
        peer_ = std::move(*peer);
    }
    void TearDown() override {
        if (transport_) transport_->shutDown();
        peer_.reset();
        for (const auto& path : paths_) {
            ::unlink(path.c_str());
        }
    }

    struct Piece {
        Opcode opcode;
        std::uint64_t offset;
        std::span<std::byte> data;
    };
    std::vector<TaskStatus> run(const std::vector<Piece>& pieces) {
        Completion& completion = completions_.emplace_back();
        std::deque<Task> tasks;
        std::vector<Slice> slices(pieces.size());
        completion.start(static_cast<std::uint32_t>(pieces.size()));
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            Task& task = tasks.emplace_back();
            task.status = TaskStatus::WAITING;
            task.slices_left = 1;
            task.batch = &completion;
            slices[i].opcode = pieces[i].opcode;
            slices[i].local = pieces[i].data.data();
            slices[i].remote = pieces[i].offset;
            slices[i].length = pieces[i].data.size();
            slices[i].peer = peer_.get();
            slices[i].task = &task;
        }
        transport_->submit(slices);
        transport_->await(completion, SteadyClock::now() + std::chrono::seconds(30));
        EXPECT_TRUE(completion.done());
        std::vector<TaskStatus> ends;
        for (const Task& task : tasks) {
            ends.push_back(task.status.load());
            const bool writes = pieces[ends.size() - 1].opcode == Opcode::Write;
            EXPECT_EQ(task.unacknowledged.load(), writes && ends.back() == TaskStatus::COMPLETED);
        }
        return ends;
    }

    SegmentDescriptor descriptor_;
    std::vector<std::string> paths_;
    std::deque<Completion> completions_;  // A loop touches one for a moment after it is done.
    std::unique_ptr<LocalFilesTransport> transport_;
    std::unique_ptr<Peer> peer_;
};

TEST_F(LocalFiles, AreOneBehindTheOther) {
    Bytes all(kFiles * kFileSize);
    ASSERT_THAT(run({{Opcode::Read, 0, all}}), Each(TaskStatus::COMPLETED));
    for (int i = 0; i < kFiles; ++i) {
        EXPECT_THAT(std::vector(all.begin() + i * static_cast<int>(kFileSize),
                                all.begin() + (i + 1) * static_cast<int>(kFileSize)),
                    Each(static_cast<std::byte>('a' + i)));
    }
    Bytes written(2 * kFileSize);
    for (std::size_t i = 0; i < written.size(); ++i) {
        written[i] = static_cast<std::byte>(i * 31);
    }
    ASSERT_THAT(run({{Opcode::Write, 5000, written}}), Each(TaskStatus::COMPLETED));
    ASSERT_THAT(run({{Opcode::Read, 0, all}}), Each(TaskStatus::COMPLETED));
    EXPECT_EQ(std::memcmp(all.data() + 5000, written.data(), written.size()), 0);
    EXPECT_EQ(all[4999], std::byte{'a'});
    EXPECT_EQ(all[25000], std::byte{'c'});
    EXPECT_EQ(transport_->counters().bytes_read, 2 * all.size());
    EXPECT_EQ(transport_->counters().bytes_written, written.size());
}

TEST_F(LocalFiles, OneOfNoLengthTakesNoOffsets) {
    descriptor_.legacy_files[1].length = 0;
    ASSERT_TRUE(transport_->update(*peer_, "", descriptor_));
    Bytes all(2 * kFileSize);
    ASSERT_THAT(run({{Opcode::Read, 0, all}}), Each(TaskStatus::COMPLETED));
    EXPECT_EQ(all[kFileSize - 1], std::byte{'a'});
    EXPECT_EQ(all[kFileSize], std::byte{'c'});
}

TEST_F(LocalFiles, ManyRequestsAtOnce) {
    Bytes all(kFiles * kFileSize);
    std::vector<Piece> pieces;
    for (std::size_t at = 0; at < all.size(); at += 100) {
        pieces.push_back({Opcode::Read, at, std::span(all).subspan(at, 100)});
    }
    EXPECT_THAT(run(pieces), Each(TaskStatus::COMPLETED));
    EXPECT_EQ(all.back(), std::byte{'c'});
}

TEST_F(LocalFiles, AreFlushed) {
    Bytes all(kFiles * kFileSize);
    EXPECT_THAT(run({{Opcode::Write, 0, all}}), Each(TaskStatus::COMPLETED));
    EXPECT_THAT(run({{Opcode::Flush, 0, all}, {Opcode::Flush, 5000, all}}),
                ElementsAre(TaskStatus::COMPLETED, TaskStatus::INVALID));
    EXPECT_EQ(transport_->counters().bytes_written, all.size());
}

TEST_F(LocalFiles, WhatIsNotThereIsInvalid) {
    Bytes data(100);
    EXPECT_THAT(run({{Opcode::Read, kFiles * kFileSize - 99, data},
                     {Opcode::Read, UINT64_MAX - 10, data},
                     {Opcode::Read, kFiles * kFileSize - 100, data}}),
                ElementsAre(TaskStatus::INVALID, TaskStatus::INVALID, TaskStatus::COMPLETED));
}

TEST_F(LocalFiles, AFileThatShrankFailsAlone) {
    ASSERT_EQ(::truncate(paths_[1].c_str(), 10), 0);
    Bytes data(100);
    EXPECT_THAT(run({{Opcode::Read, kFileSize + 50, data}, {Opcode::Read, 0, data}}),
                ElementsAre(TaskStatus::FAILED, TaskStatus::COMPLETED));
}

TEST_F(LocalFiles, FilesThatAreNotMountedAreNamed) {
    descriptor_.legacy_files[1].local_path_map = {{"elsewhere", paths_[1]}};
    const auto peer = transport_->connect("", descriptor_);
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error().code, ErrorCode::NotFound);
    EXPECT_THAT(peer.error().message, HasSubstr("/remote/1 is not mounted by here"));
    descriptor_.legacy_files[1].local_path_map["here"] = "/nonexistent/file";
    EXPECT_THAT(transport_->update(*peer_, "", descriptor_).error().message, HasSubstr("/nonexistent/file"));
}

}  // namespace
}  // namespace mc::localfiles
