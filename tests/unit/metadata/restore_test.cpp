#include "metadata/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/errors.h"
#include "metadata/memory_store.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A store in which the puts of one key go wrong.
class FailingStore : public Store {
  public:
    Result<VersionedValue> get(std::string_view key, Deadline deadline) override { return inner.get(key, deadline); }
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        if (before_put) before_put(key);
        if (!preconditions && precondition.kind != Precondition::Kind::Any)
            return fail(ErrorCode::Unsupported, "no conditions");
        if (key != failing) return inner.put(key, value, precondition, deadline);
        if (applied_all_the_same) static_cast<void>(inner.put(key, value, precondition, deadline));
        return fail(code, "it failed");
    }
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override {
        if (key == kept) return fail(ErrorCode::Unavailable, "it failed");
        return inner.remove(key, precondition, deadline);
    }
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override {
        return inner.list(prefix, limit, continuation, deadline);
    }
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override {
        return inner.watch(prefix, deadline);
    }

    MemoryStore inner;
    std::string failing;
    std::string kept;
    ErrorCode code = ErrorCode::Full;
    bool applied_all_the_same = false;
    bool preconditions = true;
    std::function<void(std::string_view)> before_put;
};

class RestoreTest : public testing::Test {
  protected:
    void set(const std::string& key, const std::string& value) {
        ASSERT_TRUE(store_.inner.put(key, value, Precondition::any(), std::nullopt));
    }

    Result<std::vector<RestoreStep>> plan(IfExists if_exists) {
        std::istringstream stream(dump_);
        DumpReader reader(stream, "dump");
        return planRestore(reader, store_, if_exists, std::nullopt, {});
    }

    Result<Restored> apply(const std::vector<RestoreStep>& steps, const std::stop_token& stop = {}) {
        std::istringstream stream(dump_);
        DumpReader reader(stream, "dump");
        return applyRestore(reader, steps, store_, std::nullopt, stop);
    }

    std::vector<std::string> content() {
        std::vector<std::string> all;
        const auto page = store_.inner.list("", 100, "", std::nullopt);
        for (const auto& item : page->items)
            all.push_back(item.key + "=" + item.value);
        return all;
    }

    FailingStore store_;
    const std::string dump_ =
        dumpHeader("") + dumpLine("a", "1") + dumpLine("b", "2") + dumpLine("c", "3") + dumpEnd(3);
};

std::vector<std::string> actions(const std::vector<RestoreStep>& steps) {
    std::vector<std::string> all;
    for (const auto& step : steps)
        all.push_back(step.key + ":" + toString(step.action));
    return all;
}

TEST_F(RestoreTest, PlansByWhatIsThere) {
    set("b", "old");
    set("c", "3");
    EXPECT_THAT(actions(*plan(IfExists::Fail)), ElementsAre("a:create", "b:conflict", "c:unchanged"));
    EXPECT_THAT(actions(*plan(IfExists::Keep)), ElementsAre("a:create", "b:keep", "c:unchanged"));
    EXPECT_THAT(actions(*plan(IfExists::Replace)), ElementsAre("a:create", "b:replace", "c:unchanged"));
    EXPECT_THAT(content(), ElementsAre("b=old", "c=3"));
}

TEST_F(RestoreTest, DoesWhatWasPlanned) {
    set("b", "old");
    set("z", "stays");
    const auto restored = apply(*plan(IfExists::Keep));
    ASSERT_TRUE(restored);
    EXPECT_FALSE(restored->unguarded);
    EXPECT_THAT(content(), ElementsAre("a=1", "b=old", "c=3", "z=stays"));
    ASSERT_TRUE(apply(*plan(IfExists::Replace)));
    EXPECT_THAT(content(), ElementsAre("a=1", "b=2", "c=3", "z=stays"));
}

TEST_F(RestoreTest, TakesBackWhatWasDoneBeforeAFailure) {
    set("b", "old");
    store_.failing = "c";
    const auto restored = apply(*plan(IfExists::Replace));
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, ErrorCode::Full);
    EXPECT_EQ(restored.error().message, "c: it failed; nothing was changed");
    EXPECT_THAT(content(), ElementsAre("b=old"));
}

TEST_F(RestoreTest, TakesBackAPutWhoseAnswerWasLost) {
    for (const ErrorCode code : {ErrorCode::TimedOut, ErrorCode::Unavailable, ErrorCode::Protocol, ErrorCode::Io}) {
        store_.failing = "b";
        store_.code = code;
        store_.applied_all_the_same = true;
        ASSERT_FALSE(apply(*plan(IfExists::Fail)));
        EXPECT_THAT(content(), ElementsAre());
    }
}

TEST_F(RestoreTest, NamesWhatItCouldNotTakeBack) {
    store_.failing = "c";
    store_.kept = "a";
    const auto restored = apply(*plan(IfExists::Fail));
    ASSERT_FALSE(restored);
    EXPECT_THAT(restored.error().message, HasSubstr("; not put back: a"));
    EXPECT_THAT(content(), ElementsAre("a=1"));
}

TEST_F(RestoreTest, ReplacesNothingThatWasWrittenSinceThePlan) {
    set("c", "old");
    const auto steps = plan(IfExists::Replace);
    set("c", "newer");
    const auto replaced = apply(*steps);
    ASSERT_FALSE(replaced);
    EXPECT_EQ(replaced.error().code, ErrorCode::Busy);
    EXPECT_THAT(content(), ElementsAre("c=newer"));

    set("b", "somebody's");
    const auto created = apply(*steps);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(content(), ElementsAre("b=somebody's", "c=newer"));
}

TEST_F(RestoreTest, TakesBackNothingThatSomebodyElseHasWrittenSince) {
    store_.failing = "c";
    store_.before_put = [this](std::string_view key) {
        if (key == "c") set("a", "newer");
    };
    const auto restored = apply(*plan(IfExists::Fail));
    ASSERT_FALSE(restored);
    EXPECT_THAT(restored.error().message, HasSubstr("; not put back: a"));
    EXPECT_THAT(content(), ElementsAre("a=newer"));
}

TEST_F(RestoreTest, WithoutConditionsItSaysSo) {
    store_.preconditions = false;
    const auto restored = apply(*plan(IfExists::Fail));
    ASSERT_TRUE(restored);
    EXPECT_TRUE(restored->unguarded);
    EXPECT_THAT(content(), ElementsAre("a=1", "b=2", "c=3"));
}

TEST_F(RestoreTest, StoppedHalfwayNothingRemains) {
    std::stop_source stop;
    store_.before_put = [&stop](std::string_view key) {
        if (key == "b") stop.request_stop();
    };
    const auto restored = apply(*plan(IfExists::Fail), stop.get_token());
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, ErrorCode::Negative);
    EXPECT_THAT(content(), ElementsAre());
}

TEST_F(RestoreTest, OfADumpThatIsNotWholePlansNothing) {
    std::istringstream stream(dump_.substr(0, dump_.size() - 5));
    DumpReader reader(stream, "dump");
    const auto steps = planRestore(reader, store_, IfExists::Fail, std::nullopt, {});
    ASSERT_FALSE(steps);
    EXPECT_EQ(steps.error().code, ErrorCode::BadData);
}

}  // namespace
}  // namespace mc::metadata
