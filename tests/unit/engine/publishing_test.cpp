// What an engine leaves in a store that others change, too.
#include <gmock/gmock.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "mc/engine.h"

#include "metadata/memory_store.h"

namespace mc {
namespace {

using metadata::Precondition;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSegment = "node1";
constexpr const char* kKey = "mooncake/ram/node1";

/// As Mooncake's HTTP servers are: no versions, no conditions.
class StockStore : public metadata::MemoryStore {
  public:
    Result<metadata::VersionedValue> get(std::string_view key, Deadline deadline) override {
        auto found = MemoryStore::get(key, deadline);
        if (found) found->version.clear();
        return found;
    }
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        if (precondition.kind != Precondition::Kind::Any) return unsupported();
        auto version = MemoryStore::put(key, value, precondition, deadline);
        if (version) version->clear();
        return version;
    }
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override {
        if (precondition.kind != Precondition::Kind::Any) return unsupported();
        return MemoryStore::remove(key, precondition, deadline);
    }

  private:
    static std::unexpected<Error> unsupported() {
        return std::unexpected(Error{ErrorCode::Unsupported, "store: knows no preconditions", {}});
    }
};

template <typename Store>
class Publishing : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(engine_->init(store_, kSegment, "127.0.0.1"));
        ASSERT_TRUE(engine_->installTransport("tcp"));
        ASSERT_TRUE(engine_->registerLocalMemory(memory_.data(), 4096));
    }
    std::size_t keys() { return store_->list("", 100, "", std::nullopt)->items.size(); }
    std::size_t buffers() {
        return decodeSegmentDescriptor(store_->get(kKey, std::nullopt).value().value).value().buffers.size();
    }
    Result<void> registerMore() { return engine_->registerLocalMemory(memory_.data() + 4096, 4096); }

    std::vector<std::byte> memory_ = std::vector<std::byte>(8192);
    std::shared_ptr<Store> store_ = std::make_shared<Store>();
    std::unique_ptr<TransferEngine> engine_ = std::make_unique<TransferEngine>();
};

using Stores = testing::Types<metadata::MemoryStore, StockStore>;
TYPED_TEST_SUITE(Publishing, Stores);

TYPED_TEST(Publishing, NothingIsLeftBehind) {
    EXPECT_EQ(this->keys(), 2U);
    ASSERT_TRUE(this->registerMore());
    EXPECT_EQ(this->keys(), 2U);
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 0U);
}

TYPED_TEST(Publishing, WhatSomebodyElseHasPutThereStays) {
    ASSERT_TRUE(this->store_->put(kKey, "{}", Precondition::any(), std::nullopt));
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 1U);
    EXPECT_EQ(this->store_->get(kKey, std::nullopt)->value, "{}");
}

TYPED_TEST(Publishing, WhatSomebodyHasRemovedIsNoTrouble) {
    ASSERT_TRUE(this->store_->remove(kKey, Precondition::any(), std::nullopt));
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 0U);
}

TYPED_TEST(Publishing, WithdrawnMemoryIsNotPublishedAnyMore) {
    ASSERT_TRUE(this->registerMore());
    EXPECT_EQ(this->buffers(), 2U);
    void* const more = this->memory_.data() + 4096;
    ASSERT_TRUE(this->engine_->withdrawLocalMemory({&more, 1}));
    EXPECT_EQ(this->buffers(), 1U);
    EXPECT_EQ(this->engine_->withdrawLocalMemory({&more, 1}).error().code, ErrorCode::Busy);
    // It is registered still.
    EXPECT_EQ(this->registerMore().error().code, ErrorCode::AlreadyExists);
    ASSERT_TRUE(this->engine_->unregisterLocalMemory(more));
    EXPECT_EQ(this->engine_->withdrawLocalMemory({&more, 1}).error().code, ErrorCode::NotFound);
    ASSERT_TRUE(this->registerMore());
    EXPECT_EQ(this->buffers(), 2U);
}

TYPED_TEST(Publishing, AStoreThatHasLostEverythingIsFilledAgain) {
    const auto lost = this->store_->list("", 100, "", std::nullopt);
    for (const auto& item : lost->items)
        ASSERT_TRUE(this->store_->remove(item.key, Precondition::any(), std::nullopt));
    ASSERT_TRUE(this->registerMore());
    EXPECT_TRUE(this->store_->get(kKey, std::nullopt));
}

TYPED_TEST(Publishing, WhatTheStoreHasLostIsRestored) {
    EXPECT_TRUE(this->engine_->restorePublished().value().empty());
    const auto lost = this->store_->list("", 100, "", std::nullopt);
    for (const auto& item : lost->items)
        ASSERT_TRUE(this->store_->remove(item.key, Precondition::any(), std::nullopt));
    EXPECT_THAT(this->engine_->restorePublished().value(), ElementsAre(kKey, "mooncake/rpc_meta/node1"));
    EXPECT_EQ(this->buffers(), 1U);
    ASSERT_TRUE(this->store_->remove(kKey, Precondition::any(), std::nullopt));
    EXPECT_THAT(this->engine_->restorePublished().value(), ElementsAre(kKey));
    EXPECT_TRUE(this->engine_->restorePublished().value().empty());
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 0U);
}

TYPED_TEST(Publishing, WhatSomebodyElseHasTakenIsNotRestored) {
    ASSERT_TRUE(this->store_->remove("mooncake/rpc_meta/node1", Precondition::any(), std::nullopt));
    ASSERT_TRUE(this->store_->put(kKey, "{}", Precondition::any(), std::nullopt));
    EXPECT_EQ(this->engine_->restorePublished().error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(this->keys(), 1U);
    EXPECT_EQ(this->store_->get(kKey, std::nullopt)->value, "{}");
}

using PublishingWithVersions = Publishing<metadata::MemoryStore>;

TEST_F(PublishingWithVersions, AnothersDescriptorIsNotOverwritten) {
    ASSERT_TRUE(store_->put(kKey, "{}", Precondition::any(), std::nullopt));
    const auto more = registerMore();
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, ErrorCode::AlreadyExists);
    EXPECT_THAT(more.error().message, HasSubstr("another engine has replaced it"));
    EXPECT_EQ(store_->get(kKey, std::nullopt)->value, "{}");
}

/// Does what it is asked to, but some of its replies get lost.
template <typename Store>
class LossyStore : public Store {
  public:
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        auto version = Store::put(key, value, precondition, deadline);
        if (loses && version) return std::unexpected(Error{ErrorCode::Unavailable, "store: gone", {}});
        return version;
    }
    bool loses = false;
};

template <typename Store>
class PublishingInVain : public Publishing<Store> {
  protected:
    void loseAReply() {
        this->store_->loses = true;
        EXPECT_EQ(this->registerMore().error().code, ErrorCode::Unavailable);
        this->store_->loses = false;
    }
};

using LossyStores = testing::Types<LossyStore<metadata::MemoryStore>, LossyStore<StockStore>>;
TYPED_TEST_SUITE(PublishingInVain, LossyStores);

TYPED_TEST(PublishingInVain, WhatWasPutAllTheSameIsWithdrawn) {
    this->loseAReply();
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 0U);
}

TYPED_TEST(PublishingInVain, AClaimThatWasPutAllTheSameIsWithdrawn) {
    this->store_->loses = true;
    TransferEngine other;
    EXPECT_EQ(other.init(this->store_, "node2", "127.0.0.1").error().code, ErrorCode::Unavailable);
    EXPECT_EQ(this->keys(), 2U);
}

TYPED_TEST(PublishingInVain, WhatWasPutAllTheSameIsReplaced) {
    this->loseAReply();
    for (const auto& key : this->engine_->checkPublished())
        EXPECT_EQ(key.state, PublishedKey::State::Ours) << key.key;
    EXPECT_TRUE(this->engine_->restorePublished().value().empty());
    EXPECT_EQ(this->buffers(), 1U);
    EXPECT_TRUE(this->registerMore());
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 0U);
}

TYPED_TEST(PublishingInVain, WhatSomebodyElseHasPutThereSinceStays) {
    this->loseAReply();
    ASSERT_TRUE(this->store_->put(kKey, "{}", Precondition::any(), std::nullopt));
    this->engine_.reset();
    EXPECT_EQ(this->keys(), 1U);
}

}  // namespace
}  // namespace mc
