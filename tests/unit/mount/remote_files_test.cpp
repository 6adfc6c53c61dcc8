#include "mount/remote_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "mount/fixture.h"
#include "mount/mount_source.h"

namespace mc::mount {
namespace {

using testing::HasSubstr;

TEST_F(ServedFile, IsReadWrittenAndFlushed) {
    use();
    EXPECT_FALSE(remote_->isReadOnly(file()));
    ASSERT_EQ(remote_->read(file(), 0, data()), 0);
    EXPECT_TRUE(std::ranges::all_of(data(), [](std::byte byte) { return byte == std::byte{0x5a}; }));
    std::ranges::fill(data(), std::byte{0x11});
    ASSERT_EQ(remote_->write(file(), 100, data().first(1000)), 0);
    const std::uint64_t commands = target_->fileService()->commands;
    ASSERT_EQ(remote_->flush(file()), 0);
    EXPECT_EQ(target_->fileService()->commands, commands + 1);
    EXPECT_EQ(file_.content().substr(99, 1002), "\x5a" + std::string(1000, '\x11') + "\x5a");
    const auto counters = remote_->counters();
    EXPECT_EQ(counters.bytes_read, kSize);
    EXPECT_EQ(counters.bytes_written, 1000);
    EXPECT_EQ(counters.flushes, 1);
    EXPECT_EQ(counters.failed, 0);
}

TEST_F(ServedFile, MayBeReadWithoutACopy) {
    use();
    io::PageReceiver& pages = remote_->pages().front();
    if (!pages.begin(std::as_bytes(std::span("head", 4)))) GTEST_SKIP() << "no pipe of 1 MiB for this user";
    const auto part = data().first(256 << 10);
    ASSERT_EQ(remote_->read(file(), 0, part, &pages), 0);
    if (pages.received() > 0) {
        EXPECT_TRUE(std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{}; }));
        ASSERT_EQ(pages.received(), part.size());
        ASSERT_TRUE(pages.copyTo(part));
    }
    EXPECT_TRUE(std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{0x5a}; }));
    EXPECT_EQ(remote_->counters().bytes_read, part.size());
}

TEST_F(ServedFile, LeavesNoKeyInTheStoreOfTheCluster) {
    use();
    const auto page = store_->list("", 100, "", std::nullopt);
    ASSERT_TRUE(page);
    for (const auto& item : page->items)
        EXPECT_THAT(item.key, HasSubstr("node1"));
}

class ImpatientlyServedFile : public ServedFile {
  protected:
    ImpatientlyServedFile() { timeout_ = std::chrono::seconds(3); }
};

TEST_F(ImpatientlyServedFile, ThatIsGoneFailsInTimeThenAtOnceAndComesBack) {
    use();
    target_.reset();
    EXPECT_EQ(remote_->read(file(), 0, data()), ETIMEDOUT);
    EXPECT_THAT(remote_->problem(), HasSubstr("does not answer"));
    EXPECT_EQ(remote_->write(file(), 0, data()), ETIMEDOUT);
    EXPECT_EQ(remote_->counters().failed, 2);
    serve();
    for (int i = 0; i < 3000 && !remote_->problem().empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(remote_->problem(), "");
    EXPECT_EQ(remote_->read(file(), 0, data()), 0);
}

TEST_F(ServedFile, OneThatIsGoneIsToldThoughNobodyAsksForAnything) {
    use();
    const auto wait_until = [this](bool reachable) {
        for (int i = 0; i < 3000 && remote_->problem().empty() != reachable; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return remote_->problem().empty() == reachable;
    };
    EXPECT_EQ(remote_->problem(), "");
    target_.reset();
    EXPECT_TRUE(wait_until(false));
    serve();
    EXPECT_TRUE(wait_until(true)) << remote_->problem();
    EXPECT_EQ(remote_->counters().failed, 0);
}

TEST_F(ServedFile, OneThatTheTargetNoLongerServesIsRefused) {
    use();
    ASSERT_TRUE(target_->unregisterLocalFile(file_.path()));
    EXPECT_EQ(remote_->read(file(), 0, data()), EIO);
    EXPECT_EQ(remote_->problem(), "") << "the target answers";
}

TEST_F(ServedFile, OneThatCanOnlyBeReadIsToldUntilTheTargetLetsItBeWritten) {
    target_.reset();
    serve(true);
    use();
    EXPECT_TRUE(remote_->isReadOnly(file()));
    EXPECT_EQ(remote_->read(file(), 0, data()), 0);
    EXPECT_EQ(remote_->write(file(), 0, data()), EROFS);
    EXPECT_EQ(remote_->flush(file()), 0);
    target_.reset();
    serve();
    for (int i = 0; i < 3000 && remote_->isReadOnly(file()); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(remote_->isReadOnly(file()));
    EXPECT_EQ(remote_->write(file(), 0, data()), 0);
}

TEST_F(ServedFile, WhoeverWaitsEndsWhenItIsStopped) {
    use();
    target_.reset();
    int error = 0;
    std::jthread waiting([&] { error = remote_->flush(file()); });
    remote_->stop();
    waiting.join();
    EXPECT_THAT(error, testing::AnyOf(ESHUTDOWN, ETIMEDOUT));
    EXPECT_EQ(remote_->read(file(), 0, data()), ESHUTDOWN);
}

TEST_F(ServedFile, OneThatCanNotBeReachedIsToldBeforeItIsUsed) {
    const auto descriptor = remote_->describe("node1");
    auto files = planFiles(*descriptor).value();
    files.front().file_id = 7;
    EXPECT_EQ(remote_->use("node1", files).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(remote_->describe("node2").error().code, ErrorCode::NotFound);
}

class Source : public ServedFile {
  protected:
    void publish(const std::string& server, const std::string& path, const std::string& local = {}) {
        SegmentDescriptor legacy;
        legacy.name = server;
        legacy.protocols = {"nvmeof"};
        legacy.legacy_files = {{.file_path = path, .length = 4096}};
        if (!local.empty()) legacy.legacy_files[0].local_path_map["here"] = local;
        ASSERT_TRUE(store_->put("mooncake/nvmeof/cache", encodeSegmentDescriptor(legacy), metadata::Precondition::any(),
                                std::nullopt));
    }
    Result<MountSource> find(const std::string& via = {}) {
        return findSource(*remote_, {.segment = "nvmeof/cache", .via = via, .server_name = "here", .selection = {}});
    }
};

TEST_F(Source, OfAStaticSegmentIsTheTargetThatServesItsFiles) {
    publish("node1", file_.path());
    const auto found = find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->segment, "node1");
    EXPECT_TRUE(found->records);
    EXPECT_EQ(found->files.front().file_id, 1);
    EXPECT_EQ(found->files.front().size, 4096) << "not more than is registered";
}

TEST_F(Source, IsTheOneThatIsNamed) {
    publish("node9", file_.path());
    EXPECT_EQ(find().error().code, ErrorCode::NotFound);
    EXPECT_EQ(find("node1")->segment, "node1");
    EXPECT_EQ(find("node2").error().code, ErrorCode::NotFound);
}

TEST_F(Source, IsTheLocalPathWhereTheFilesAreMountedAlready) {
    publish("node9", "/far", file_.path());
    const auto found = find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->segment, "nvmeof/cache");
    EXPECT_FALSE(found->records) << "it stands there already";
    ASSERT_TRUE(remote_->use(found->segment, found->files));
    EXPECT_EQ(remote_->read(file(), 0, data().first(4096)), 0);
    EXPECT_EQ(data()[4095], std::byte{0x5a});
    EXPECT_EQ(remote_->flush(file()), 0);
}

}  // namespace
}  // namespace mc::mount
