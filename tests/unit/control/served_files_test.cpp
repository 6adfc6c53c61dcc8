#include "control/served_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <latch>

#include "base/errors.h"
#include "temporary.h"
#include "transport/transport.h"

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

/// Files whose devices take as long to go as the test says, and whose target takes as long to tell of them.
class HangingTransport final : public Transport {
  public:
    std::string_view protocol() const override { return "nvmeof_generic"; }
    TransportCapabilities capabilities() const override { return {}; }
    TransportCounters counters() const override { return {}; }
    Result<void> registerMemory(void*, std::size_t, std::string_view, bool) override { return {}; }
    Result<void> unregisterMemory(void*) override { return {}; }
    Result<void> registerFiles(std::span<const FileEntry>) override { return {}; }
    Result<void> unregisterFile(FileBufferID id) override {
        if (id != 1) return {};
        going.count_down();
        may_go.wait();
        return fail(ErrorCode::TimedOut, "f0: has not answered");
    }
    std::optional<FileService> fileService() const override {
        if (hangs_when_asked) {
            asked.count_down();
            may_tell.wait();
        }
        return FileService{};
    }
    void describe(SegmentDescriptor&) const override {}
    Result<std::unique_ptr<Peer>> connect(const std::string&, const SegmentDescriptor&) override {
        return fail(ErrorCode::Unsupported, "nobody");
    }
    Result<void> update(Peer&, const std::string&, const SegmentDescriptor&) override { return {}; }
    PeerInfo inspect(const Peer&) const override { return {}; }
    void submit(std::span<Slice>) override {}
    void await(Completion&, Deadline) override {}
    void shutDown() override {}

    std::latch going{1};
    std::latch may_go{1};
    bool hangs_when_asked = false;
    mutable std::latch asked{1};
    mutable std::latch may_tell{1};
};

TEST_F(CheckedFiles, WhoAsksATargetThatDoesNotAnswerHoldsUpNobodyElse) {
    const std::vector<FileRequest> requests{{.path = file_}};
    TransferEngine engine;
    ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    auto made = std::make_unique<HangingTransport>();
    HangingTransport& transport = *made;
    transport.hangs_when_asked = true;
    transport.may_go.count_down();
    ASSERT_TRUE(engine.installTransport(std::move(made)));
    auto told = std::async(std::launch::async, [&] { return engine.fileService(); });
    transport.asked.wait();
    EXPECT_TRUE(files_.add(engine, requests, {}));
    EXPECT_EQ(engine.counters().connections, 0U);
    EXPECT_FALSE(files_.remove(engine, {.names = {FileName(file_)}})) << "its device has not answered";
    EXPECT_TRUE(files_.describe().empty());
    transport.may_tell.count_down();
    EXPECT_TRUE(told.get());
}

TEST_F(CheckedFiles, OneWhoseDeviceHangsHoldsUpNobodyElse) {
    std::vector<FileRequest> requests{{.path = file_}};
    for (const char* const name : {"f1", "f2"}) {
        std::ofstream(directory_ / name) << std::string(8192, 'x');
        requests.push_back({.path = directory_ / name});
    }
    TransferEngine engine;
    ASSERT_TRUE(engine.init("P2PHANDSHAKE", "127.0.0.1"));
    auto made = std::make_unique<HangingTransport>();
    HangingTransport& transport = *made;
    ASSERT_TRUE(engine.installTransport(std::move(made)));
    ASSERT_TRUE(files_.add(engine, std::span(requests).first(2), {}));

    auto removed =
        std::async(std::launch::async, [&] { return files_.remove(engine, {.names = {FileName(FileBufferID{1})}}); });
    transport.going.wait();
    EXPECT_EQ(files_.describe().size(), 1U);
    EXPECT_EQ(files_.find({.names = {FileName(file_)}}).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(engine.fileService());
    EXPECT_EQ(engine.counters().connections, 0U);
    EXPECT_TRUE(files_.add(engine, std::span(requests).last(1), {}));
    EXPECT_TRUE(files_.remove(engine, {.names = {FileName(FileBufferID{2})}}));
    EXPECT_THAT(files_.add(engine, std::span(requests).first(1), {}).error().message, HasSubstr("being removed"));
    transport.may_go.count_down();
    const auto late = removed.get();
    EXPECT_EQ(late.error().code, ErrorCode::TimedOut);
    EXPECT_THAT(late.error().message, HasSubstr("not served any more, but: f0: has not answered"));
    EXPECT_EQ(files_.describe().size(), 1U);
}

TEST_F(CheckedFiles, NoneIsThereToBeRemoved) {
    EXPECT_EQ(files_.find({.names = {FileName(FileBufferID{1})}}).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(files_.find({.names = {FileName(FileBufferID{1})}, .ignore_missing = true})->empty());
    EXPECT_TRUE(files_.describe().empty());
}

}  // namespace
}  // namespace mc::control
