#include "metadata/gc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <sstream>

#include "base/errors.h"
#include "metadata/content_version.h"
#include "metadata/dump.h"
#include "metadata/memory_store.h"
#include "metadata/restore.h"
#include "segment/timestamp.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Versions { Revisions, Contents, None };

// A memory store with versions of another kind, and a moment before each change.
class DoubleStore : public Store {
  public:
    explicit DoubleStore(Versions versions) : versions_(versions) {}

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override {
        auto found = inner.get(key, deadline);
        if (found) found->version = versionOf(found->value, found->version);
        return found;
    }
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        const auto checked = check(key, precondition);
        if (!checked) return std::unexpected(checked.error());
        auto version = inner.put(key, value, *checked, deadline);
        return version ? versionOf(value, *version) : version;
    }
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override {
        if (before_remove) before_remove(key);
        if (key == stuck) return fail(ErrorCode::Unavailable, "it failed");
        const auto checked = check(key, precondition);
        if (!checked) return std::unexpected(checked.error());
        return inner.remove(key, *checked, deadline);
    }
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override {
        auto page = inner.list(prefix, limit, continuation, deadline);
        for (auto& item : page->items)
            item.version = versionOf(item.value, item.version);
        return page;
    }
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override {
        return inner.watch(prefix, deadline);
    }

    MemoryStore inner;
    std::function<void(std::string_view)> before_remove;
    std::string stuck;

  private:
    std::string versionOf(std::string_view value, const std::string& revision) const {
        if (versions_ == Versions::None) return {};
        return versions_ == Versions::Contents ? contentVersion(value) : revision;
    }
    // As the inner store has it.
    Result<Precondition> check(std::string_view key, const Precondition& precondition) {
        if (precondition.kind == Precondition::Kind::Any || versions_ == Versions::Revisions) return precondition;
        if (versions_ == Versions::None) return fail(ErrorCode::Unsupported, "no conditions");
        if (precondition.kind == Precondition::Kind::Absent) return precondition;
        const auto found = inner.get(key, std::nullopt);
        if (!found || contentVersion(found->value) != precondition.version)
            return fail(ErrorCode::Busy, "another version");
        return Precondition::atVersion(found->version);
    }

    const Versions versions_;
};

std::string rpcMeta(std::uint16_t port) {
    return encodeRpcMeta({"10.0.0.1", port});
}

std::string descriptor(const std::string& name, const std::string& timestamp = "2026-11-21 02:50:34.5") {
    return R"({"buffers":[{"addr":4096,"length":100,"name":"n"}],"name":")" + name +
           R"(","protocol":"tcp","tcp_data_port":1,"timestamp":")" + timestamp + R"("})";
}

class Gc : public testing::TestWithParam<Versions> {
  protected:
    void put(const std::string& key, const std::string& value) {
        ASSERT_TRUE(store_.inner.put(key, value, Precondition::any(), std::nullopt));
    }
    void publish(const std::string& name, std::uint16_t port) {
        put("mooncake/rpc_meta/" + name, rpcMeta(port));
        put("mooncake/ram/" + name, descriptor(name));
    }

    GarbageCollector collector() {
        return {store_, keys_, rules_, [this](const std::vector<RpcMeta>& owners) {
                    ++rounds_;
                    if (before_asking_) before_asking_(rounds_);
                    std::vector<OwnerProbe> answers;
                    for (const auto& owner : owners) {
                        const auto known = answers_.find(owner.rpc_port);
                        answers.push_back({known == answers_.end() ? OwnerState::Refused : known->second, "told"});
                    }
                    return answers;
                }};
    }

    // What gc does, up to its question.
    GarbageCollector::Candidates plan() {
        const auto gc = collector();
        auto candidates = gc.suspects(takeInventory(store_, keys_, std::nullopt, {})->segments);
        gc.probe(candidates);
        EXPECT_TRUE(gc.read(candidates, std::nullopt, {}));
        gc.probe(candidates);
        return candidates;
    }
    Result<void> remove(GarbageCollector::Candidates& candidates) {
        return collector().remove(
            candidates,
            [this] {
                ++pauses_;
                if (in_pause_) in_pause_();
            },
            std::nullopt, stop_.get_token());
    }

    std::vector<std::string> keys() {
        std::vector<std::string> all;
        const auto page = store_.inner.list("", 1000, "", std::nullopt);
        for (const auto& item : page->items)
            all.push_back(item.key);
        return all;
    }

    DoubleStore store_{GetParam()};
    const KeyNames keys_;
    GcRules rules_;
    std::map<int, OwnerState> answers_;  // By port; others refuse.
    std::function<void(int)> before_asking_;
    std::function<void()> in_pause_;
    int rounds_ = 0;
    int pauses_ = 0;
    std::stop_source stop_;
};

std::vector<std::string> fates(const GarbageCollector::Candidates& candidates) {
    std::vector<std::string> all;
    for (const auto& candidate : candidates)
        all.push_back(candidate.name + ":" + toString(candidate.fate));
    return all;
}

TEST_P(Gc, RemovesWhatIsDeadAndNothingElse) {
    publish("dead", 1);
    publish("live", 2);
    put("mooncake/rpc_meta/lonely", rpcMeta(3));
    put("mooncake/nvmeof/files", R"({"buffers":[],"protocol":"nvmeof","server_name":"s"})");
    put("mooncake/ram/reserved", R"({"buffers":[],"name":"reserved","protocol":"tcp"})");
    put("mooncake/ram/ownerless", descriptor("ownerless"));
    put("mooncake/rpc_meta/odd", "no JSON");
    put("mooncake/checkpoint/x", "{}");
    put("mooncake/blue/ram/dead", descriptor("dead"));
    put("mooncake/blue/rpc_meta/dead", rpcMeta(1));
    answers_[2] = OwnerState::Alive;
    auto candidates = plan();
    EXPECT_THAT(fates(candidates), ElementsAre("dead:planned", "live:spared", "lonely:planned", "nvmeof/files:spared",
                                               "odd:spared", "ownerless:spared", "reserved:spared"));
    EXPECT_EQ(candidates[0].probes.size(), 2U);
    EXPECT_EQ(isUnguarded(candidates), GetParam() == Versions::None);
    ASSERT_TRUE(remove(candidates));
    EXPECT_EQ(fates(candidates)[0], "dead:removed");
    EXPECT_EQ(fates(candidates)[2], "lonely:removed");
    EXPECT_THAT(keys(), ElementsAre("mooncake/blue/ram/dead", "mooncake/blue/rpc_meta/dead", "mooncake/checkpoint/x",
                                    "mooncake/nvmeof/files", "mooncake/ram/live", "mooncake/ram/ownerless",
                                    "mooncake/ram/reserved", "mooncake/rpc_meta/live", "mooncake/rpc_meta/odd"));
}

TEST_P(Gc, SparesWhoeverIsNotRefusedBothTimes) {
    for (const auto state : {OwnerState::Alive, OwnerState::Silent, OwnerState::Unknown}) {
        publish("node", 1);
        answers_ = {{1, state}};
        EXPECT_THAT(fates(plan()), ElementsAre("node:spared"));
        answers_.clear();
        before_asking_ = [&](int round) {
            if (round % 2 == 0) answers_[1] = state;
        };
        rounds_ = 0;
        EXPECT_THAT(fates(plan()), ElementsAre("node:spared"));
        before_asking_ = {};
    }
    rules_.silent_is_dead = true;
    answers_ = {{1, OwnerState::Silent}};
    EXPECT_THAT(fates(plan()), ElementsAre("node:planned"));
}

TEST_P(Gc, SparesWhatIsYoungerOrHasNoDate) {
    publish("node", 1);
    put("mooncake/rpc_meta/undated", rpcMeta(2));
    rules_.now = *parseTimestamp("2026-11-21 04:50:34");
    rules_.older_than = std::chrono::hours(1);
    EXPECT_THAT(fates(plan()), ElementsAre("node:planned", "undated:spared"));
    rules_.older_than = std::chrono::hours(3);
    EXPECT_THAT(fates(plan()), ElementsAre("node:spared", "undated:spared"));
}

TEST_P(Gc, SparesNamesWhoseKeysAreThoseOfOthers) {
    publish("live", 2);
    answers_[2] = OwnerState::Alive;
    put("mooncake/rpc_meta/ram/live", rpcMeta(1));
    put("mooncake/rpc_meta//live", rpcMeta(1));
    put("mooncake/rpc_meta/rpc_meta/live", rpcMeta(1));
    put("mooncake/rpc_meta/", rpcMeta(1));
    put("mooncake/rpc_meta/alias", rpcMeta(1));
    put("mooncake/ram/alias", descriptor("live"));
    put("mooncake/rpc_meta/nvmeof/files", rpcMeta(1));
    put("mooncake/nvmeof/files", R"({"buffers":[],"protocol":"nvmeof","server_name":"s"})");
    const auto before = keys();
    auto candidates = plan();
    for (const auto& candidate : candidates)
        EXPECT_EQ(candidate.fate, GcCandidate::Fate::Spared) << candidate.name;
    ASSERT_TRUE(remove(candidates));
    EXPECT_EQ(keys(), before);
}

TEST_P(Gc, SparesLoopbackAddressesOfOtherMachines) {
    put("mooncake/rpc_meta/a", encodeRpcMeta({"127.0.0.1", 1}));
    EXPECT_THAT(fates(plan()), ElementsAre("a:planned"));
    rules_.loopback_is_here = false;
    for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"}) {
        put("mooncake/rpc_meta/a", encodeRpcMeta({host, 1}));
        EXPECT_THAT(fates(plan()), ElementsAre("a:spared")) << host;
    }
}

// The owner comes back between the second probe and the removal, and publishes what it had, or something else.
TEST_P(Gc, RemovesNothingThatIsPublishedAnewAfterTheProbes) {
    publish("node", 1);
    auto candidates = plan();
    EXPECT_THAT(fates(candidates), ElementsAre("node:planned"));
    publish("node", 1);
    answers_[1] = OwnerState::Alive;
    ASSERT_TRUE(remove(candidates));
    EXPECT_THAT(fates(candidates), ElementsAre("node:spared"));
    EXPECT_THAT(keys(), ElementsAre("mooncake/ram/node", "mooncake/rpc_meta/node"));
}

// The same, at every single step of the removal; and it does not listen before it has published.
TEST_P(Gc, AnOwnerThatComesBackAtAnyMomentHasItsKeys) {
    for (const std::string moment : {"mooncake/ram/node", "mooncake/rpc_meta/node"}) {
        publish("node", 1);
        auto candidates = plan();
        EXPECT_THAT(fates(candidates), ElementsAre("node:planned"));
        store_.before_remove = [&](std::string_view key) {
            if (key != moment) return;
            put("mooncake/rpc_meta/node", rpcMeta(1));
            if (GetParam() == Versions::Revisions) return;
            answers_[1] = OwnerState::Alive;
        };
        ASSERT_TRUE(remove(candidates));
        EXPECT_THAT(fates(candidates), ElementsAre("node:spared")) << moment;
        EXPECT_THAT(keys(), ElementsAre("mooncake/ram/node", "mooncake/rpc_meta/node")) << moment;
        store_.before_remove = {};
        answers_.clear();
    }
}

TEST_P(Gc, AnOwnerThatAnswersOnlyAfterTheRemovalGetsItsKeysBack) {
    if (GetParam() == Versions::Revisions) return;  // Saw that it published.
    publish("node", 1);
    auto candidates = plan();
    store_.before_remove = [&](std::string_view key) {
        if (key == "mooncake/rpc_meta/node") put("mooncake/rpc_meta/node", rpcMeta(1));
    };
    in_pause_ = [this] { answers_[1] = OwnerState::Alive; };
    ASSERT_TRUE(remove(candidates));
    EXPECT_EQ(pauses_, 1);
    EXPECT_THAT(fates(candidates), ElementsAre("node:spared"));
    EXPECT_THAT(candidates[0].why, HasSubstr("its keys were put back"));
    EXPECT_THAT(keys(), ElementsAre("mooncake/ram/node", "mooncake/rpc_meta/node"));
}

TEST_P(Gc, ReplacesNothingWhenItPutsBack) {
    if (GetParam() == Versions::Revisions) return;  // Puts nothing back.
    publish("node", 1);
    auto candidates = plan();
    store_.before_remove = [&](std::string_view key) {
        if (key == "mooncake/rpc_meta/node") put("mooncake/ram/node", descriptor("node", "2026-11-22 01:00:00"));
    };
    in_pause_ = [this] { answers_[1] = OwnerState::Alive; };
    ASSERT_TRUE(remove(candidates));
    EXPECT_EQ(store_.inner.get("mooncake/ram/node", std::nullopt)->value, descriptor("node", "2026-11-22 01:00:00"));
    EXPECT_EQ(store_.inner.get("mooncake/rpc_meta/node", std::nullopt)->value, rpcMeta(1));
}

TEST_P(Gc, SparesWhatHasMovedBetweenTheFirstProbeAndTheReading) {
    publish("node", 1);
    const auto gc = collector();
    auto candidates = gc.suspects(takeInventory(store_, keys_, std::nullopt, {})->segments);
    gc.probe(candidates);
    publish("node", 2);
    ASSERT_TRUE(gc.read(candidates, std::nullopt, {}));
    EXPECT_THAT(fates(candidates), ElementsAre("node:spared"));
}

TEST_P(Gc, TheUndoDumpBringsAllBack) {
    publish("a", 1);
    publish("b", 2);
    put("mooncake/rpc_meta/c", rpcMeta(3));
    const auto before = store_.inner.list("", 100, "", std::nullopt)->items;
    auto candidates = plan();
    std::istringstream undo(undoDump(candidates, keys_.prefix()));
    ASSERT_TRUE(remove(candidates));
    EXPECT_THAT(keys(), IsEmpty());

    DumpReader planned(undo, "undo");
    const auto steps = planRestore(planned, store_, IfExists::Fail, std::nullopt, {});
    ASSERT_TRUE(steps);
    undo.clear();
    undo.seekg(0);
    DumpReader again(undo, "undo");
    ASSERT_TRUE(applyRestore(again, *steps, store_, std::nullopt, {}));
    const auto after = store_.inner.list("", 100, "", std::nullopt)->items;
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        EXPECT_EQ(after[i].key, before[i].key);
        EXPECT_EQ(after[i].value, before[i].value);
    }
}

TEST_P(Gc, StoppedHalfwayASegmentIsWholeOrGone) {
    publish("a", 1);
    publish("b", 2);
    auto candidates = plan();
    store_.before_remove = [&](std::string_view key) {
        if (key == "mooncake/ram/b") stop_.request_stop();
    };
    ASSERT_TRUE(remove(candidates));
    EXPECT_THAT(fates(candidates), ElementsAre("a:spared", "b:spared"));
    EXPECT_THAT(keys(), ElementsAre("mooncake/ram/a", "mooncake/ram/b", "mooncake/rpc_meta/a", "mooncake/rpc_meta/b"));
}

TEST_P(Gc, AnErrorOfTheStoreNamesTheKey) {
    publish("a", 1);
    publish("b", 2);
    auto candidates = plan();
    store_.stuck = "mooncake/rpc_meta/a";
    const auto removed = remove(candidates);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(removed.error().message, "mooncake/rpc_meta/a: it failed");
    EXPECT_THAT(fates(candidates), ElementsAre("a:failed", "b:planned"));
    EXPECT_TRUE(candidates[0].descriptor_removed);
    EXPECT_FALSE(candidates[0].rpc_meta_removed);
}

INSTANTIATE_TEST_SUITE_P(Stores, Gc, testing::Values(Versions::Revisions, Versions::Contents, Versions::None),
                         [](const auto& kind) {
                             return kind.param == Versions::Revisions  ? "Revisions"
                                    : kind.param == Versions::Contents ? "Contents"
                                                                       : "NoVersions";
                         });

}  // namespace
}  // namespace mc::metadata
