#include "engine/name_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "mc/engine.h"

#include "engine/plain_store.h"
#include "io/socket.h"
#include "metadata/handshake_daemon.h"
#include "metadata/memory_store.h"

namespace mc {
namespace {

using metadata::MemoryStore;
using metadata::Precondition;
using metadata::RpcMeta;
using test::PlainStore;
using testing::HasSubstr;

FileDescriptor listenSomewhere() {
    return io::listenOn(io::resolve("127.0.0.1", 0)->front(), 16).value();
}

std::uint16_t portOf(const FileDescriptor& listener) {
    return io::localAddress(listener).port();
}

/// A port at which nobody listens: bound, so that nobody else gets it.
class DeadPort {
  public:
    DeadPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = io::resolve("127.0.0.1", 0)->front();
        EXPECT_EQ(::bind(socket_.get(), address.get(), address.length()), 0);
    }
    std::uint16_t port() const { return portOf(socket_); }

  private:
    FileDescriptor socket_;
};

/// An owner that answers probes.
class Owner {
  public:
    Owner() {
        std::vector<FileDescriptor> listeners;
        listeners.push_back(listenSomewhere());
        port_ = portOf(listeners.front());
        daemon_ = metadata::HandshakeDaemon::start(std::move(listeners)).value();
    }
    std::uint16_t port() const { return port_; }

  private:
    std::uint16_t port_ = 0;
    std::unique_ptr<metadata::HandshakeDaemon> daemon_;
};

/// One of before v0.3.11: reads the probe, whose type it does not know, and closes.
class ClosingOwner {
  public:
    ClosingOwner() : listener_(listenSomewhere()), thread_([this](const std::stop_token& stop) { run(stop); }) {}
    std::uint16_t port() const { return portOf(listener_); }

  private:
    void run(const std::stop_token& stop) const {
        while (!stop.stop_requested()) {
            pollfd waiting{listener_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 20) <= 0) continue;
            const auto client = io::acceptFrom(listener_);
            if (!client || !*client) continue;
            pollfd readable{client->get(), POLLIN, 0};
            ::poll(&readable, 1, 10000);
            std::array<char, 64> frame{};
            (void)::recv(client->get(), frame.data(), frame.size(), 0);
        }
    }
    FileDescriptor listener_;
    std::jthread thread_;
};

template <typename StoreType>
class NameClaims : public testing::Test {
  protected:
    Result<std::string> claim(const EngineOptions& options = {}) {
        return claimName({.store = store,
                          .keys = keys,
                          .options = options,
                          .name = "node1",
                          .location = {"127.0.0.1", portOf(own)},
                          .bound = io::localAddress(own)});
    }
    static EngineOptions with(TakeOver take_over) {
        EngineOptions options;
        options.take_over = take_over;
        return options;
    }
    void publishMeta(const RpcMeta& meta, const std::string& name = "node1") {
        ASSERT_TRUE(store.put(keys.rpcMeta(name), metadata::encodeRpcMeta(meta), Precondition::any(), {}));
    }
    void publishSegment(const std::string& protocol, const std::string& owner) {
        SegmentDescriptor descriptor;
        descriptor.name = owner;
        descriptor.protocols = {protocol};
        ASSERT_TRUE(store.put(segment_key, encodeSegmentDescriptor(descriptor), Precondition::any(), {}));
    }
    RpcMeta published() {
        const auto value = store.get(keys.rpcMeta("node1"), {});
        return value ? metadata::decodeRpcMeta(value->value).value_or(RpcMeta{}) : RpcMeta{};
    }
    void expectTaken(const Result<std::string>& claimed, const std::string& by) {
        ASSERT_FALSE(claimed);
        EXPECT_EQ(claimed.error().code, ErrorCode::AlreadyExists);
        EXPECT_THAT(claimed.error().message, HasSubstr("server name node1: taken by " + by));
        EXPECT_THAT(claimed.error().hint, HasSubstr("--local_server_name"));
    }
    void expectOurs(const Result<std::string>& claimed) {
        ASSERT_TRUE(claimed) << claimed.error().message;
        EXPECT_EQ(published(), (RpcMeta{"127.0.0.1", portOf(own)}));
    }

    StoreType store;
    metadata::KeyNames keys;
    const std::string segment_key = keys.segment("node1").value();
    FileDescriptor own = listenSomewhere();
};

using Stores = testing::Types<MemoryStore, PlainStore>;
TYPED_TEST_SUITE(NameClaims, Stores);

TYPED_TEST(NameClaims, takesAFreeName) {
    this->expectOurs(this->claim());
}

TYPED_TEST(NameClaims, refusesTheNameOfAnOwnerThatAnswers) {
    const Owner owner;
    this->publishMeta({"127.0.0.1", owner.port()});
    this->expectTaken(this->claim(), "a live owner at 127.0.0.1:" + std::to_string(owner.port()));
    EXPECT_EQ(this->published().rpc_port, owner.port());
}

TYPED_TEST(NameClaims, refusesTheNameOfAnOwnerThatClosesWithoutAnAnswer) {
    const ClosingOwner owner;
    this->publishMeta({"127.0.0.1", owner.port()});
    this->expectTaken(this->claim(), "a live owner at 127.0.0.1:" + std::to_string(owner.port()));
}

TYPED_TEST(NameClaims, takesTheNameOfAnOwnerThatIsGoneAndRemovesWhatItServed) {
    const DeadPort dead;
    this->publishMeta({"127.0.0.1", dead.port()});
    this->publishSegment("tcp", "node1");
    this->expectOurs(this->claim());
    EXPECT_EQ(this->store.get(this->segment_key, {}).error().code, ErrorCode::NotFound);
}

TYPED_TEST(NameClaims, refusesTheNameOfAnOwnerWhoseHostIsNotKnownHere) {
    this->publishMeta({"nosuch.invalid", 12345});
    const auto claimed = this->claim();
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().code, ErrorCode::Unavailable);
    EXPECT_THAT(claimed.error().message, HasSubstr("server name node1: look for its owner: resolve nosuch.invalid"));
    EXPECT_THAT(claimed.error().hint, HasSubstr("--take-over=always"));
    this->expectOurs(this->claim(this->with(TakeOver::Always)));
}

TYPED_TEST(NameClaims, takesTheNameOfAnOwnerThatStaysSilent) {
    const FileDescriptor silent = listenSomewhere();  // The kernel accepts, nobody reads.
    this->publishMeta({"127.0.0.1", portOf(silent)});
    EngineOptions options;
    options.probe_timeout = std::chrono::milliseconds(100);
    this->expectOurs(this->claim(options));
}

TYPED_TEST(NameClaims, takesItsOwnAddressWithoutAsking) {
    // Whoever was there before is not: its port is bound. Asking would mean to wait for ourselves.
    this->publishMeta({"127.0.0.1", portOf(this->own)});
    this->expectOurs(this->claim());
    this->publishMeta({"localhost", portOf(this->own)}, "other");
    this->publishSegment("tcp", "other");
    ASSERT_TRUE(this->store.remove(this->keys.rpcMeta("node1"), Precondition::any(), {}));
    this->expectOurs(this->claim());
}

TYPED_TEST(NameClaims, replacesAnAddressThatCantBeRead) {
    ASSERT_TRUE(this->store.put(this->keys.rpcMeta("node1"), "{\"rpc_port\":", Precondition::any(), {}));
    this->expectOurs(this->claim());
}

TYPED_TEST(NameClaims, asksTheOwnerThatALoneDescriptorNames) {
    const Owner owner;
    this->publishMeta({"127.0.0.1", owner.port()}, "node2");
    this->publishSegment("tcp", "node2");
    this->expectTaken(this->claim(), "a live owner");
    const DeadPort dead;
    ASSERT_TRUE(this->store.remove(this->keys.rpcMeta("node2"), Precondition::any(), {}));
    this->publishMeta({"127.0.0.1", dead.port()}, "node2");
    this->expectOurs(this->claim());
}

TYPED_TEST(NameClaims, refusesTheNameOfAStaticSegment) {
    SegmentDescriptor files;
    files.name = "node1";
    files.protocols = {"nvmeof_generic"};
    ASSERT_TRUE(this->store.put(this->segment_key, encodeSegmentDescriptor(files), Precondition::any(), {}));
    const auto readable = decodeSegmentDescriptor(this->store.get(this->segment_key, {})->value);
    ASSERT_TRUE(readable) << readable.error().message;
    this->expectTaken(this->claim(), "a static nvmeof_generic segment");
}

TYPED_TEST(NameClaims, neverTakesWhatIsTakenAtAll) {
    const DeadPort dead;
    this->publishMeta({"127.0.0.1", dead.port()});
    this->expectTaken(this->claim(this->with(TakeOver::Never)), "somebody");
}

TYPED_TEST(NameClaims, alwaysTakesALiveOwnersName) {
    const Owner owner;
    this->publishMeta({"127.0.0.1", owner.port()});
    this->expectOurs(this->claim(this->with(TakeOver::Always)));
}

TYPED_TEST(NameClaims, aNameThatCanBeNoKeyIsAnError) {
    const auto claimed = claimName({.store = this->store,
                                    .keys = this->keys,
                                    .options = {},
                                    .name = "/",
                                    .location = {"127.0.0.1", 1},
                                    .bound = io::localAddress(this->own)});
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().code, ErrorCode::InvalidArgument);
}

/// Somebody else claims the name between our look and our put, `times` often.
class RacingStore : public MemoryStore {
  public:
    explicit RacingStore(int times) : left_(times) {}
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override {
        if (left_ > 0 && precondition.kind != Precondition::Kind::Any) {
            --left_;
            EXPECT_TRUE(
                MemoryStore::put(key, metadata::encodeRpcMeta({"127.0.0.1", rival.port()}), Precondition::any(), {}));
        }
        return MemoryStore::put(key, value, precondition, deadline);
    }
    DeadPort rival;

  private:
    int left_;
};

TEST(NameClaim, looksAgainWhenSomebodyElseWasFaster) {
    const metadata::KeyNames keys;
    const FileDescriptor own = listenSomewhere();
    for (const bool endless : {false, true}) {
        RacingStore store(endless ? 1000 : 2);
        const auto claimed = claimName({.store = store,
                                        .keys = keys,
                                        .options = {},
                                        .name = "node1",
                                        .location = {"127.0.0.1", portOf(own)},
                                        .bound = io::localAddress(own)});
        EXPECT_EQ(claimed.has_value(), !endless);
    }
}

class EngineNames : public testing::Test {
  protected:
    Result<void> join(TransferEngine& engine, const std::string& name = "127.0.0.1") const {
        if (auto joined = engine.init(store, name); !joined) return joined;
        if (auto installed = engine.installTransport("tcp"); !installed) return std::unexpected(installed.error());
        return {};
    }
    std::vector<PublishedKey::State> states(const TransferEngine& engine) const {
        std::vector<PublishedKey::State> all;
        for (const auto& key : engine.checkPublished())
            all.push_back(key.state);
        return all;
    }
    std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
};

TEST_F(EngineNames, areRefusedWhileTheirOwnerLivesAndFreeAfterwards) {
    auto first = std::make_unique<TransferEngine>();
    ASSERT_TRUE(join(*first));
    {
        TransferEngine second;
        const auto joined = join(second);
        ASSERT_FALSE(joined);
        EXPECT_EQ(joined.error().code, ErrorCode::AlreadyExists);
        EXPECT_THAT(joined.error().message, HasSubstr(first->localIpAndPort()));
    }
    EXPECT_THAT(states(*first), testing::ElementsAre(PublishedKey::State::Ours, PublishedKey::State::Ours));
    first.reset();
    EXPECT_TRUE(store->list("", 10, "", {})->items.empty());
    TransferEngine third;
    EXPECT_TRUE(join(third));
}

TEST_F(EngineNames, tellWhatBecameOfTheirKeys) {
    TransferEngine engine;
    EXPECT_TRUE(engine.checkPublished().empty());
    ASSERT_TRUE(join(engine));
    ASSERT_TRUE(store->put("mooncake/ram/127.0.0.1", "{}", Precondition::any(), {}));
    ASSERT_TRUE(store->remove("mooncake/rpc_meta/127.0.0.1", Precondition::any(), {}));
    const auto keys = engine.checkPublished();
    ASSERT_EQ(keys.size(), 2);
    EXPECT_EQ(keys[0].key, "mooncake/ram/127.0.0.1");
    EXPECT_EQ(keys[0].state, PublishedKey::State::Replaced);
    EXPECT_EQ(keys[1].state, PublishedKey::State::Missing);
}

TEST_F(EngineNames, ofAStockServerAreWithdrawnOnlyWhileTheyAreOurs) {
    store = std::make_shared<PlainStore>();
    {
        TransferEngine engine;
        ASSERT_TRUE(join(engine));
        EXPECT_THAT(states(engine), testing::ElementsAre(PublishedKey::State::Ours, PublishedKey::State::Ours));
        ASSERT_TRUE(store->put("mooncake/ram/127.0.0.1", "somebody else's", Precondition::any(), {}));
    }
    EXPECT_EQ(store->get("mooncake/ram/127.0.0.1", {})->value, "somebody else's");
    EXPECT_FALSE(store->get("mooncake/rpc_meta/127.0.0.1", {}));
}

}  // namespace
}  // namespace mc
