// Files of one engine, as another one reads and writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "mc/engine.h"

#include "metadata/memory_store.h"
#include "temporary.h"

namespace mc {
namespace {

using test::TemporaryFile;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kWhere = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0";
constexpr std::size_t kSize = 1 << 20;

class FileSegment : public testing::Test {
  protected:
    void SetUp() override {
        join(target_, "node1");
        join(initiator_, "node2");
        ASSERT_TRUE(initiator_.installTransport("nvmeof_generic"));
        ASSERT_TRUE(initiator_.registerLocalMemory(memory_.data(), memory_.size(), "*", false));
    }
    void join(TransferEngine& engine, const char* name) {
        const auto joined = engine.init(store_, name, "127.0.0.1");
        ASSERT_TRUE(joined) << joined.error().message;
    }
    void serveFiles() {
        const auto installed = target_.installTransport("nvmeof_generic", kWhere);
        ASSERT_TRUE(installed) << installed.error().message;
    }
    FileBufferID add(const TemporaryFile& file, const LocalFileOptions& options = {}) {
        const auto id = target_.registerLocalFile(file.path(), options);
        EXPECT_TRUE(id) << id.error().message;
        return id.value_or(0);
    }
    SegmentHandle open(const char* name) {
        const auto handle = initiator_.openSegment(name);
        EXPECT_TRUE(handle) << handle.error().message;
        return handle.value_or(-1);
    }
    TransferStatus run(TransferRequest request) {
        request.source = memory_.data();
        const auto batch = initiator_.allocateBatchID(1);
        EXPECT_TRUE(initiator_.submitTransfer(*batch, {&request, 1}));
        EXPECT_TRUE(initiator_.waitBatch(*batch, std::chrono::seconds(60)));
        const auto status = initiator_.getTransferStatus(*batch, 0);
        EXPECT_TRUE(initiator_.freeBatchID(*batch));
        return *status;
    }
    std::vector<std::string> keys() {
        std::vector<std::string> all;
        const auto page = store_->list("", 100, "", std::nullopt);
        for (const auto& item : page->items)
            all.push_back(item.key);
        return all;
    }

    std::shared_ptr<metadata::Store> store_ = std::make_shared<metadata::MemoryStore>();
    std::vector<std::byte> memory_ = std::vector<std::byte>(kSize);
    std::vector<std::byte> served_ = std::vector<std::byte>(4096);
    TransferEngine target_, initiator_;
};

TEST_F(FileSegment, IsReadAndWrittenByTheNumbersOfItsFiles) {
    const TemporaryFile first("first", kSize), second("second", 8192);
    serveFiles();
    EXPECT_THAT(keys(), ElementsAre("mooncake/rpc_meta/node1", "mooncake/rpc_meta/node2"))
        << "without a file there is no segment";
    ASSERT_EQ(add(first), 1);
    ASSERT_EQ(add(second), 2);
    const SegmentHandle segment = open("node1");

    std::ranges::fill(memory_, std::byte{0x11});
    const auto written =
        run({.opcode = Opcode::Write, .target_id = segment, .target_offset = 4096, .length = 4096, .file_id = 2});
    EXPECT_EQ(written.s, TaskStatus::COMPLETED);
    EXPECT_TRUE(written.acknowledged);
    EXPECT_EQ(written.transferred, 4096);
    EXPECT_EQ(second.content(), std::string(4096, '\x5a') + std::string(4096, '\x11'));
    EXPECT_EQ(first.content(), std::string(kSize, '\x5a'));

    const auto read = run({.opcode = Opcode::Read, .target_id = segment, .length = kSize, .file_id = 1});
    EXPECT_EQ(read.s, TaskStatus::COMPLETED);
    EXPECT_TRUE(std::ranges::all_of(memory_, [](std::byte byte) { return byte == std::byte{0x5a}; }));
}

TEST_F(FileSegment, OfSeveralFilesIsServedWholeOrNotAtAll) {
    const TemporaryFile first("first", 8192), second("second", 8192), third("third", 8192);
    serveFiles();
    const std::vector<FileEntry> lacking{{.path = first.path(), .options = {}}, {.path = "/tmp/none", .options = {}}};
    EXPECT_EQ(target_.registerLocalFileBatch(lacking).error().code, ErrorCode::NoInput);
    EXPECT_FALSE(target_.fileService());
    const std::vector<FileEntry> twice{{.path = first.path(), .options = {}}, {.path = first.path(), .options = {}}};
    EXPECT_EQ(target_.registerLocalFileBatch(twice).error().code, ErrorCode::AlreadyExists);
    const std::vector<FileEntry> same_number{{.path = first.path(), .options = {.id = 5}},
                                             {.path = second.path(), .options = {.id = 5}}};
    EXPECT_EQ(target_.registerLocalFileBatch(same_number).error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(keys(), testing::Not(testing::Contains("mooncake/ram/node1")));

    const std::vector<FileEntry> all{{.path = first.path(), .options = {.id = 5}},
                                     {.path = second.path(), .options = {}},
                                     {.path = third.path(), .options = {.id = 2}}};
    const auto ids = target_.registerLocalFileBatch(all);
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_THAT(*ids, ElementsAre(5, 6, 2));
    const SegmentHandle segment = open("node1");
    for (const FileBufferID id : *ids)
        EXPECT_EQ(run({.target_id = segment, .length = 8192, .file_id = id}).s, TaskStatus::COMPLETED);
    EXPECT_TRUE(target_.registerLocalFileBatch({})->empty());
}

TEST_F(FileSegment, IsFlushedAtItsTarget) {
    const TemporaryFile file("file", 8192);
    ASSERT_TRUE(target_.installTransport("tcp"));
    ASSERT_TRUE(target_.registerLocalMemory(served_.data(), served_.size()));
    serveFiles();
    add(file);
    ASSERT_TRUE(initiator_.installTransport("tcp"));
    const SegmentHandle files = open("node1-files");
    const TransferRequest request{.opcode = Opcode::Flush, .target_id = files, .length = 8192, .file_id = 1};
    ASSERT_EQ(run(request).s, TaskStatus::COMPLETED);
    const std::uint64_t commands = target_.fileService()->commands;
    const auto flushed = run(request);
    EXPECT_EQ(flushed.s, TaskStatus::COMPLETED);
    EXPECT_TRUE(flushed.acknowledged);
    EXPECT_EQ(target_.fileService()->commands, commands + 1);
    EXPECT_EQ(initiator_.counters().bytes_written, 0);
    EXPECT_EQ(run({.opcode = Opcode::Flush, .target_id = files, .length = 8193, .file_id = 1}).s, TaskStatus::INVALID);
    EXPECT_EQ(run({.opcode = Opcode::Flush,
                   .target_id = open("node1"),
                   .target_offset = reinterpret_cast<std::uint64_t>(served_.data()),
                   .length = 4096})
                  .s,
              TaskStatus::INVALID)
        << "memory is not flushed";
}

TEST_F(FileSegment, WhatIsNotInAFileIsInvalid) {
    const TemporaryFile file("file", 8192);
    serveFiles();
    add(file);
    const SegmentHandle segment = open("node1");
    const auto status = [&](std::uint64_t offset, std::size_t length, FileBufferID id) {
        return run({.target_id = segment, .target_offset = offset, .length = length, .file_id = id}).s;
    };
    EXPECT_EQ(status(0, 8192, 1), TaskStatus::COMPLETED);
    EXPECT_EQ(status(0, 8193, 1), TaskStatus::INVALID);
    EXPECT_EQ(status(8192, 1, 1), TaskStatus::INVALID);
    EXPECT_EQ(status(UINT64_MAX, 4096, 1), TaskStatus::INVALID);
    EXPECT_EQ(status(0, 4096, 0), TaskStatus::INVALID);
    EXPECT_EQ(status(0, 4096, 2), TaskStatus::INVALID);
}

TEST_F(FileSegment, FilesComeAndGoWhileItIsOpen) {
    const TemporaryFile first("first", 8192), second("second", 8192);
    serveFiles();
    add(first);
    const SegmentHandle segment = open("node1");
    ASSERT_EQ(add(second), 2);
    EXPECT_EQ(run({.target_id = segment, .length = 8192, .file_id = 2}).s, TaskStatus::COMPLETED)
        << "the segment is looked up again";
    ASSERT_TRUE(target_.unregisterLocalFile(first.path()));
    EXPECT_EQ(run({.target_id = segment, .length = 8192, .file_id = 1}).s, TaskStatus::FAILED)
        << "what an initiator knew is gone";
    EXPECT_EQ(run({.target_id = segment, .length = 8192, .file_id = 2}).s, TaskStatus::COMPLETED);
    EXPECT_EQ(add(first), 3) << "a number is not used again";
    ASSERT_TRUE(target_.unregisterLocalFile(first.path()));
    ASSERT_TRUE(target_.unregisterLocalFile(second.path()));
    EXPECT_THAT(keys(), testing::Not(testing::Contains("mooncake/ram/node1")));
}

TEST_F(FileSegment, OfSeveralKindsTheFirstOwnsTheName) {
    ASSERT_TRUE(target_.installTransport("tcp"));
    ASSERT_TRUE(target_.registerLocalMemory(served_.data(), served_.size()));
    const TemporaryFile file("file", 8192);
    serveFiles();
    add(file);
    EXPECT_THAT(keys(), ElementsAre("mooncake/ram/node1", "mooncake/ram/node1-files", "mooncake/rpc_meta/node1",
                                    "mooncake/rpc_meta/node1-files", "mooncake/rpc_meta/node2"));
    const SegmentHandle files = open("node1-files");
    EXPECT_EQ(run({.target_id = files, .length = 8192, .file_id = 1}).s, TaskStatus::COMPLETED);
    ASSERT_TRUE(initiator_.installTransport("tcp"));
    const SegmentHandle memory = open("node1");
    EXPECT_EQ(
        run({.target_id = memory, .target_offset = reinterpret_cast<std::uint64_t>(served_.data()), .length = 4096}).s,
        TaskStatus::COMPLETED);
}

TEST_F(FileSegment, WhatCanNotBeServedIsToldAndLeavesNothing) {
    const TemporaryFile file("file", 8192);
    EXPECT_EQ(target_.registerLocalFile(file.path()).error().code, ErrorCode::Unsupported);
    EXPECT_THAT(initiator_.registerLocalFile(file.path()).error().message, HasSubstr("no trid"));
    serveFiles();
    EXPECT_EQ(target_.registerLocalFile(file.path() + ".none").error().code, ErrorCode::NoInput);
    EXPECT_FALSE(target_.registerLocalFile(file.path(), {.size = 8193}));
    EXPECT_FALSE(target_.registerLocalFile("/tmp"));
    EXPECT_THAT(keys(), testing::Not(testing::Contains("mooncake/ram/node1")));
    add(file);
    EXPECT_EQ(target_.registerLocalFile(file.path()).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(target_.unregisterLocalFile("/tmp/none").error().code, ErrorCode::NotFound);
    EXPECT_FALSE(target_.installTransport("nvmeof_generic", kWhere));
}

TEST_F(FileSegment, OfMountedFilesIsReachedByTheirLocalPaths) {
    const TemporaryFile first("first", 4096), second("second", 8192);
    SegmentDescriptor descriptor;
    descriptor.protocols = {"nvmeof"};
    for (const TemporaryFile* file : {&first, &second}) {
        descriptor.legacy_files.push_back({.file_path = "/there/" + file->path(),
                                           .length = file == &first ? 4096U : 8192U,
                                           .local_path_map = {{"node2", file->path()}}});
    }
    ASSERT_TRUE(store_->put("mooncake/nvmeof/cache", encodeSegmentDescriptor(descriptor), metadata::Precondition::any(),
                            std::nullopt));
    ASSERT_TRUE(initiator_.installTransport("nvmeof"));
    const SegmentHandle segment = open("nvmeof/cache");
    std::ranges::fill(memory_, std::byte{0x22});
    EXPECT_EQ(run({.opcode = Opcode::Write, .target_id = segment, .target_offset = 4000, .length = 200}).s,
              TaskStatus::COMPLETED);
    EXPECT_EQ(first.content(), std::string(4000, '\x5a') + std::string(96, '\x22'));
    EXPECT_EQ(second.content(), std::string(104, '\x22') + std::string(8088, '\x5a'));
    EXPECT_EQ(run({.target_id = segment, .target_offset = 0, .length = 12288}).s, TaskStatus::COMPLETED);
    EXPECT_EQ(run({.target_id = segment, .target_offset = 4096, .length = 8193}).s, TaskStatus::INVALID);
}

TEST_F(FileSegment, AnAddressThatIsNoneIsToldByItsKey) {
    EXPECT_THAT(target_.installTransport("nvmeof_generic", "trtype=tcp adrfam=ipv4 traddr=127.0.0.1").error().message,
                HasSubstr("trsvcid"));
    EXPECT_THAT(target_.installTransport("tcp", kWhere).error().message, HasSubstr("takes no argument"));
}

}  // namespace
}  // namespace mc
