#include "metadata/sqlite_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "temporary.h"

namespace mc::metadata {
namespace {

constexpr Deadline kNone = std::nullopt;

class SqliteStoreTest : public testing::Test {
  protected:
    SqliteStoreTest() : path_(test::temporaryPath("store.db")) { removeFiles(); }
    ~SqliteStoreTest() override { removeFiles(); }

    void open(std::uint64_t max_bytes = std::uint64_t{1} << 30) {
        store_.reset();
        store_ = SqliteStore::open({.path = path_, .max_bytes = max_bytes}).value();
    }
    Error openError() { return SqliteStore::open({.path = path_}).error(); }
    std::string put(std::string_view key, std::string_view value) {
        return store_->put(key, value, Precondition::any(), kNone).value();
    }

    const std::string path_;
    std::unique_ptr<SqliteStore> store_;

  private:
    void removeFiles() {
        for (const auto* suffix : {"", "-wal", "-shm", "-journal"})
            ::unlink((path_ + suffix).c_str());
    }
};

TEST_F(SqliteStoreTest, KeepsWhatWasPutAcrossARestart) {
    open();
    const auto version = put("k", std::string_view("a\0b", 3));
    put("gone", "x");
    ASSERT_TRUE(store_->remove("gone", Precondition::any(), kNone));
    open();
    EXPECT_EQ(store_->get("k", kNone)->value, std::string_view("a\0b", 3));
    EXPECT_EQ(store_->get("k", kNone)->version, version);
    EXPECT_EQ(store_->get("gone", kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_->usage().keys, 1);
    EXPECT_EQ(store_->usage().bytes, 4);
}

TEST_F(SqliteStoreTest, AVersionIsNotUsedAgainAfterARemovalAndARestart) {
    open();
    const auto version = put("k", "v");
    ASSERT_TRUE(store_->remove("k", Precondition::any(), kNone));
    open();
    EXPECT_EQ(store_->revision(), version);
    EXPECT_GT(std::stoull(put("k", "v")), std::stoull(version));
}

TEST_F(SqliteStoreTest, KeepsPreconditions) {
    open();
    const auto version = store_->put("k", "1", Precondition::absent(), kNone).value();
    EXPECT_EQ(store_->put("k", "2", Precondition::absent(), kNone).error().code, ErrorCode::AlreadyExists);
    const auto next = store_->put("k", "2", Precondition::atVersion(version), kNone).value();
    EXPECT_EQ(store_->put("k", "3", Precondition::atVersion(version), kNone).error().code, ErrorCode::Busy);
    EXPECT_EQ(store_->remove("k", Precondition::atVersion(version), kNone).error().code, ErrorCode::Busy);
    EXPECT_TRUE(store_->remove("k", Precondition::atVersion(next), kNone));
    EXPECT_EQ(store_->remove("k", Precondition::any(), kNone).error().code, ErrorCode::NotFound);
    EXPECT_EQ(store_->remove("k", Precondition::absent(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->put("", "", Precondition::any(), kNone).error().code, ErrorCode::InvalidArgument);
    EXPECT_TRUE(store_->health());
}

TEST_F(SqliteStoreTest, ListsAndWatches) {
    open();
    const auto watch = store_->watch("a/", kNone).value();
    put("a/1", "x");
    put("b/1", "x");
    ASSERT_TRUE(store_->remove("a/1", Precondition::any(), kNone));
    EXPECT_EQ(watch->next(kNone).value()->item.key, "a/1");
    EXPECT_EQ(watch->next(kNone).value()->kind, Event::Kind::Remove);
    EXPECT_EQ(store_->list("", 10, "", kNone)->items.size(), 1);
    store_.reset();
    EXPECT_EQ(watch->next(kNone).error().code, ErrorCode::Unavailable);
}

TEST_F(SqliteStoreTest, ManyWritersShareTransactions) {
    open();
    constexpr int kThreads = 8;
    constexpr int kPuts = 50;
    std::atomic<int> created = 0;
    {
        std::vector<std::jthread> threads;
        threads.reserve(kThreads);
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < kPuts; ++i) {
                    // All want the same key: one of them gets it, whichever transaction it comes with.
                    if (store_->put("k" + std::to_string(i), "v", Precondition::absent(), kNone)) ++created;
                }
            });
        }
    }
    EXPECT_EQ(created, kPuts);
    const auto times = store_->commitTimes();
    std::uint64_t commits = 0;
    for (const auto count : times.counts)
        commits += count;
    EXPECT_GE(commits, 1);
    EXPECT_LE(commits, kPuts);
    EXPECT_EQ(times.failed, 0);
    open();
    EXPECT_EQ(store_->usage().keys, kPuts);
}

TEST_F(SqliteStoreTest, CompletesWhatWasAskedForBeforeItCloses) {
    open();
    std::atomic<int> done = 0;
    for (int i = 0; i < 100; ++i) {
        store_->putLater("k" + std::to_string(i), "v", Precondition::any(), [&done](auto version) {
            if (version) ++done;
        });
    }
    store_.reset();
    EXPECT_EQ(done, 100);
    open();
    EXPECT_EQ(store_->usage().keys, 100);
}

// A child writes and reports each put that was done; it is killed in the middle.
TEST_F(SqliteStoreTest, WhatWasReportedAsDoneSurvivesAKill) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto store = SqliteStore::open({.path = path_});
        if (!store) ::_exit(1);
        for (std::uint32_t i = 0;; ++i) {
            if (!(*store)->put("k" + std::to_string(i), "v" + std::to_string(i), Precondition::any(), kNone))
                ::_exit(2);
            if (::write(writer.get(), &i, sizeof i) != sizeof i) ::_exit(3);
        }
    }
    writer.reset();
    std::uint32_t last = 0;
    while (last < 40)
        ASSERT_EQ(::read(reader.get(), &last, sizeof last), sizeof last);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child failed with status " << WEXITSTATUS(status);
    while (::read(reader.get(), &last, sizeof last) == sizeof last) {
    }
    open();
    for (std::uint32_t i = 0; i <= last; ++i)
        ASSERT_EQ(store_->get("k" + std::to_string(i), kNone)->value, "v" + std::to_string(i));
    EXPECT_LE(store_->usage().keys, last + 2) << "at most one that was on its way";
}

TEST_F(SqliteStoreTest, AFullFileIsAnErrorOfWhoeverWrites) {
    open(512 << 10);
    const std::string large(std::size_t{1} << 20, 'x');
    put("kept", "v");
    EXPECT_EQ(store_->put("large", large, Precondition::any(), kNone).error().code, ErrorCode::Full);
    EXPECT_EQ(store_->health().error().code, ErrorCode::Full);
    put("small", "v");
    EXPECT_TRUE(store_->health()) << "it goes on";
    EXPECT_EQ(store_->get("large", kNone).error().code, ErrorCode::NotFound);
    open();
    EXPECT_EQ(store_->get("kept", kNone)->value, "v");
    EXPECT_EQ(store_->get("small", kNone)->value, "v");
    EXPECT_EQ(store_->usage().keys, 2);
}

TEST_F(SqliteStoreTest, AValueThatDoesNotFitFailsAlone) {
    open(512 << 10);
    std::atomic<int> done = 0;
    std::atomic<int> full = 0;
    for (int i = 0; i < 30; ++i) {
        const std::string value(i == 7 ? std::size_t{1} << 20 : 10, 'x');
        store_->putLater("k" + std::to_string(i), value, Precondition::any(),
                         [&](auto version) { ++(version ? done : full); });
    }
    store_.reset();
    EXPECT_EQ(done, 29);
    EXPECT_EQ(full, 1);
}

TEST_F(SqliteStoreTest, SpaceIsThereAgainAfterARemoval) {
    open(512 << 10);
    const std::string large(300 << 10, 'x');
    put("a", large);
    EXPECT_EQ(store_->put("b", large, Precondition::any(), kNone).error().code, ErrorCode::Full);
    ASSERT_TRUE(store_->remove("a", Precondition::any(), kNone));
    EXPECT_TRUE(store_->put("b", large, Precondition::any(), kNone));
}

// The disk as the system reports it: a file that may not grow.
TEST_F(SqliteStoreTest, AFullDiskIsAnErrorAndReadsGoOn) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto store = SqliteStore::open({.path = path_});
        if (!store || !(*store)->put("kept", "v", Precondition::any(), kNone)) ::_exit(1);
        const rlimit small{256 << 10, 256 << 10};
        if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
        const auto refused = (*store)->put("large", std::string(1 << 20, 'x'), Precondition::any(), kNone);
        if (refused || refused.error().code != ErrorCode::Full) ::_exit(3);
        if (!(*store)->get("kept", kNone)) ::_exit(4);
        if (!(*store)->put("small", "v", Precondition::any(), kNone)) ::_exit(5);
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    open();
    EXPECT_EQ(store_->usage().keys, 2);
}

TEST_F(SqliteStoreTest, AnotherProcessIsRefused) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const FileDescriptor reader(ends[0]);
    const FileDescriptor writer(ends[1]);
    // Before the store is opened: SQLite would know the file from this process.
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        char opened = 0;
        if (::read(reader.get(), &opened, 1) != 1) ::_exit(1);
        const auto second = SqliteStore::open({.path = path_});
        ::_exit(!second && second.error().code == ErrorCode::Busy ? 0 : 2);
    }
    open();
    put("k", "v");
    ASSERT_EQ(::write(writer.get(), "o", 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    put("k", "still there");
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
    const std::string text = "this is a letter, and long enough to be taken for a header of a database file, nearly\n";
    std::ofstream(path_) << text << text;
    const auto error = openError();
    EXPECT_EQ(error.code, ErrorCode::BadData);
    EXPECT_THAT(error.message, testing::HasSubstr(path_));
    std::string line;
    std::ifstream file(path_);
    std::getline(file, line);
    EXPECT_EQ(line + "\n", text);
}

TEST_F(SqliteStoreTest, ADamagedFileIsRefused) {
    open();
    for (int i = 0; i < 200; ++i)
        store_->putLater("k" + std::to_string(i), std::string(1000, 'v'), Precondition::any(), [](auto /*version*/) {});
    store_.reset();
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path_));
    ASSERT_GT(size, 100000);
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    // All but the header's page, of which the end is spared, too.
    file.seekp(4096);
    file << std::string(static_cast<std::size_t>(size) - 4096, '\x5a');
    file.close();
    EXPECT_EQ(openError().code, ErrorCode::BadData);
}

TEST_F(SqliteStoreTest, AFileThatCannotBeMadeIsAnError) {
    EXPECT_EQ(SqliteStore::open({.path = path_ + "/none/store.db"}).error().code, ErrorCode::CannotCreate);
    EXPECT_FALSE(SqliteStore::open({.path = testing::TempDir()}));
}

}  // namespace
}  // namespace mc::metadata
