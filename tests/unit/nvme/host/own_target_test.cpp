#include "nvme/host/own_target.h"

#include <gtest/gtest.h>

#include "black_hole.h"
#include "nvme/host/discover.h"
#include "nvme/host/host_fixture.h"
#include "nvme/uuid.h"

namespace mc::nvme::host::test {
namespace {

using mc::test::BlackHole;
using Outcome = HostRequest::Outcome;
using State = HostController::State;

TEST(HostWithOwnTarget, ConnectsAndKnowsTheNamespaces) {
    OwnTarget target;
    target.add(3, 1 << 20, 512);
    target.add(7, 8 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    const auto& spaces = host.controller().namespaces();
    ASSERT_EQ(spaces.size(), 2U);
    EXPECT_EQ(spaces[0].nsid, 3U);
    EXPECT_EQ(spaces[0].size, 1U << 20);
    EXPECT_EQ(spaces[0].block_size, 512U);
    EXPECT_EQ(spaces[0].nguid[0], 3);
    EXPECT_EQ(spaces[0].uuid[15], 0x43);
    EXPECT_EQ(spaces[1].nsid, 7U);
    EXPECT_EQ(spaces[1].block_size, 4096U);
}

TEST(HostWithOwnTarget, ReadsWhatWasWrittenOfAnySize) {
    for (const auto& [header, data] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
        SCOPED_TRACE(testing::Message() << "header digest " << header << ", data digest " << data);
        OwnTarget target;
        const auto device = target.add(1, 64 << 20);
        HostOptions options;
        options.header_digest = header;
        options.data_digest = data;
        options.io_queues = 2;
        Host host(options);
        host.connect(target.port(), OwnTarget::kNqn);
        ASSERT_TRUE(host.ready()) << host.last_error.message;
        for (const std::size_t length : {4096U, 8192U, 12288U, 65536U, 1U << 20, (5U << 20) + 4096U}) {
            Bytes written = patternBytes(length, static_cast<unsigned>(length >> 12U));
            ASSERT_EQ(host.write(1, 8192, written), Outcome::Completed);
            EXPECT_EQ(std::memcmp(device->memory().data() + 8192, written.data(), length), 0);
            Bytes read(length);
            ASSERT_EQ(host.read(1, 8192, read), Outcome::Completed);
            EXPECT_EQ(read, written);
        }
        Bytes none;
        EXPECT_EQ(host.run(HostRequest::Kind::Flush, 1, 0, none), Outcome::Completed);
        EXPECT_EQ(host.read(1, 0, none), Outcome::Completed);
    }
}

TEST(HostWithOwnTarget, KeepsManyRequestsUnderWay) {
    OwnTarget target;
    const auto device = target.add(1, 16 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    constexpr std::size_t kRequests = 1000;
    Bytes written = patternBytes(kRequests * 4096, 1);
    Bytes read(written.size());
    std::vector<NotedRequest> requests;
    for (std::size_t i = 0; i < kRequests; ++i) {
        requests.emplace_back(HostRequest::Kind::Write, 1, i * 4096, std::span(written).subspan(i * 4096, 4096));
    }
    ASSERT_TRUE(host.run(requests));
    EXPECT_TRUE(std::ranges::all_of(requests, [](const auto& r) { return r.outcome == Outcome::Completed; }));
    requests.clear();
    for (std::size_t i = 0; i < kRequests; ++i) {
        const std::size_t at = (i * 389 % kRequests) * 4096;
        requests.emplace_back(HostRequest::Kind::Read, 1, at, std::span(read).subspan(at, 4096));
    }
    ASSERT_TRUE(host.run(requests));
    EXPECT_TRUE(std::ranges::all_of(requests, [](const auto& r) { return r.ends == 1; }));
    EXPECT_EQ(read, written);
}

TEST(HostWithOwnTarget, RangesNeedNotBeBlocks) {
    OwnTarget target;
    const auto device = target.add(1, 1 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes expected = patternBytes(1 << 20, 9);
    std::ranges::copy(expected, device->memory().begin());
    for (const auto& [offset, length] : {std::pair<std::uint64_t, std::size_t>{1, 1},
                                         {4095, 2},
                                         {100, 4096},
                                         {4096, 100},
                                         {5000, 20000},
                                         {8192, 4097},
                                         {12287, 8193},
                                         {(1 << 20) - 5, 5}}) {
        SCOPED_TRACE(testing::Message() << length << " at " << offset);
        Bytes read(length);
        ASSERT_EQ(host.read(1, offset, read), Outcome::Completed);
        EXPECT_EQ(std::memcmp(read.data(), expected.data() + offset, length), 0);
        Bytes written = patternBytes(length, static_cast<unsigned>(offset));
        ASSERT_EQ(host.write(1, offset, written), Outcome::Completed);
        std::ranges::copy(written, expected.begin() + static_cast<std::ptrdiff_t>(offset));
        EXPECT_EQ(std::memcmp(device->memory().data(), expected.data(), expected.size()), 0);
    }
}

// Each writes its own bytes of blocks that several write to: none may undo what another did.
TEST(HostWithOwnTarget, UnalignedWritesAtOnceLoseNothing) {
    OwnTarget target;
    const auto device = target.add(1, 1 << 20);
    HostOptions options;
    options.io_queues = 3;
    Host host(options);
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    constexpr std::size_t kPiece = 1000;
    constexpr std::size_t kPieces = 200;
    Bytes written = patternBytes(kPiece * kPieces, 5);
    std::vector<NotedRequest> requests;
    for (std::size_t i = 0; i < kPieces; ++i) {
        requests.emplace_back(HostRequest::Kind::Write, 1, i * kPiece, std::span(written).subspan(i * kPiece, kPiece));
    }
    ASSERT_TRUE(host.run(requests));
    EXPECT_EQ(std::memcmp(device->memory().data(), written.data(), written.size()), 0);
}

TEST(HostWithOwnTarget, WhatDoesNotFitIsRejected) {
    OwnTarget target;
    target.add(1, 1 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes data(8192);
    EXPECT_EQ(host.read(2, 0, data), Outcome::Rejected);
    EXPECT_EQ(host.last_status, 0x0b);
    EXPECT_EQ(host.read(1, (1 << 20) - 4096, data), Outcome::Rejected);
    EXPECT_EQ(host.last_status, 0x80);
    EXPECT_EQ(host.read(1, UINT64_MAX - 4095, data), Outcome::Rejected);
    EXPECT_EQ(host.state, State::Ready);
}

TEST(HostWithOwnTarget, ANamespaceThatCameLaterIsFound) {
    OwnTarget target;
    target.add(1, 1 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    target.add(2, 1 << 20);
    Bytes data = patternBytes(4096, 2);
    EXPECT_EQ(host.write(2, 0, data), Outcome::Completed);  // Whether or not the event came before.
    EXPECT_TRUE(host.runUntil([&] { return host.namespace_changes > 0; }));
    ASSERT_TRUE(target->removeNamespace(OwnTarget::kNqn, 1));
    EXPECT_TRUE(host.runUntil([&] { return host.controller().namespaces().size() == 1; }));
    EXPECT_EQ(host.controller().namespaces()[0].nsid, 2U);
    EXPECT_EQ(host.read(1, 0, data), Outcome::Rejected);
}

TEST(HostWithOwnTarget, AnUnknownSubsystemIsNamed) {
    OwnTarget target;
    Host host;
    host.connect(target.port(), "nqn.2016-06.io.mc:other");
    EXPECT_FALSE(host.ready());
    EXPECT_EQ(host.state, State::Gone);
    EXPECT_EQ(host.last_error.code, ErrorCode::NotFound);
    EXPECT_NE(host.last_error.message.find("nqn.2016-06.io.mc:other"), std::string::npos) << host.last_error.message;
    Bytes data(4096);
    EXPECT_EQ(host.read(1, 0, data), Outcome::Lost);
}

TEST(HostWithOwnTarget, ReconnectsToATargetThatIsBack) {
    auto target = std::make_unique<OwnTarget>();
    target->add(1, 1 << 20);
    const std::uint16_t port = target->port();
    HostOptions options;
    options.reconnect_delay = 20ms;
    Host host(options);
    host.connect(port, OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    target.reset();
    ASSERT_TRUE(host.runUntil([&] { return host.state == State::Reconnecting; }));
    Bytes data = patternBytes(4096, 4);
    NotedRequest waiting(HostRequest::Kind::Write, 1, 0, data);
    host.controller().submit(waiting);
    host.controller().flush();
    OwnTarget again({}, port);
    const auto device = again.add(1, 1 << 20);
    ASSERT_TRUE(host.runUntil([&] { return waiting.ends > 0; }));
    EXPECT_EQ(waiting.outcome, Outcome::Completed);
    EXPECT_EQ(host.states.back(), State::Ready);
    EXPECT_EQ(std::memcmp(device->memory().data(), data.data(), data.size()), 0);
}

TEST(HostWithOwnTarget, GivesUpAfterTheLossTimeout) {
    auto target = std::make_unique<OwnTarget>();
    target->add(1, 1 << 20);
    HostOptions options;
    options.reconnect_delay = 20ms;
    options.loss_timeout = 100ms;
    Host host(options);
    host.connect(target->port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    target.reset();
    ASSERT_TRUE(host.runUntil([&] { return host.state == State::Reconnecting; }));
    Bytes data(4096);
    EXPECT_EQ(host.read(1, 0, data), Outcome::Lost);
    EXPECT_EQ(host.state, State::Gone);
}

TEST(HostWithOwnTarget, CancelEndsEverything) {
    OwnTarget target;
    target.add(1, 16 << 20);
    Host host;
    host.connect(target.port(), OwnTarget::kNqn);
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes data(4 << 20);
    std::vector<NotedRequest> requests(300, NotedRequest(HostRequest::Kind::Read, 1, 0, data));
    for (auto& request : requests) {
        host.controller().submit(request);
    }
    host.controller().flush();
    host.controller().cancel();
    EXPECT_TRUE(
        std::ranges::all_of(requests, [](const auto& r) { return r.ends == 1 && r.outcome == Outcome::Canceled; }));
}

// Keys of 32 bytes, made by nvme gen-dhchap-key.
constexpr const char* kHostKey = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
constexpr const char* kControllerKey = "DHHC-1:00:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj/jBqb2:";

TEST(HostWithOwnTarget, ProvesWhoItIsAndAsksForTheSame) {
    OwnTarget target;
    SubsystemOptions closed;
    closed.nqn = "nqn.2016-06.io.mc:closed";
    closed.serial = "test";
    closed.allow_any_host = false;
    closed.hosts = {{.nqn = Host::kNqn, .key = kHostKey, .controller_key = kControllerKey}};
    const auto added = target->addSubsystem(closed);
    ASSERT_TRUE(added) << added.error().message;
    const auto connect = [&](const std::string& key, const std::string& controller_key) {
        HostOptions options;
        options.key = key;
        options.controller_key = controller_key;
        options.io_queues = 2;
        Host host(options);
        host.connect(target.port(), closed.nqn);
        return host.ready() ? std::string("ready") : std::string(toString(host.last_error.code));
    };
    EXPECT_EQ(connect(kHostKey, {}), "ready");
    EXPECT_EQ(connect(kHostKey, kControllerKey), "ready");
    EXPECT_EQ(connect({}, {}), toString(ErrorCode::NotPermitted));
    EXPECT_EQ(connect(kControllerKey, {}), toString(ErrorCode::NotPermitted));
    EXPECT_EQ(connect(kHostKey, kHostKey), toString(ErrorCode::NotPermitted));
}

TEST(HostWithOwnTarget, IsToldWhichSubsystemsThereAre) {
    OwnTarget target;
    SubsystemOptions other;
    other.nqn = "nqn.2016-06.io.mc:other";
    other.serial = "test";
    ASSERT_TRUE(target->addSubsystem(other));
    HostOptions options;
    options.host_nqn = Host::kNqn;
    const auto addresses = *io::resolve("127.0.0.1", target.port());
    const auto entries = discover(addresses, options, SteadyClock::now() + 20s);
    ASSERT_TRUE(entries) << entries.error().message;
    std::vector<std::string> names;
    for (const auto& entry : *entries) {
        if (entry.kind != DiscoveryEntry::Kind::Subsystem) continue;
        names.push_back(entry.subsystem_nqn);
        EXPECT_EQ(entry.transport, "tcp");
        EXPECT_EQ(entry.family, "ipv4");
        EXPECT_EQ(entry.traddr, "127.0.0.1");
        EXPECT_EQ(entry.trsvcid, std::to_string(target.port()));
    }
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{OwnTarget::kNqn, other.nqn}));
}

TEST(HostWithOwnTarget, DiscoveryEndsInTime) {
    const BlackHole nobody;
    const auto before = SteadyClock::now();
    const auto entries = discover({nobody.address()}, {}, before + 200ms);
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code, ErrorCode::TimedOut);
}

TEST(HostIdentity, StaysTheSame) {
    const auto nqn = hostNqn();
    if (!nqn) GTEST_SKIP() << nqn.error().message;
    EXPECT_EQ(*nqn, *hostNqn());
    EXPECT_TRUE(nqn->starts_with("nqn."));
}

TEST(Uuid, IsMadeOfTextAndReadBack) {
    const Uuid uuid = uuidOf("mc");
    EXPECT_EQ(uuid, uuidOf("mc"));
    EXPECT_NE(uuid, uuidOf("mc "));
    const std::string text = formatUuid(uuid);
    ASSERT_EQ(text.size(), 36U);
    EXPECT_EQ(text[14], '8');  // The version.
    EXPECT_EQ(parseUuid(text), uuid);
    EXPECT_FALSE(parseUuid(text + "0"));
    EXPECT_FALSE(parseUuid(text.substr(0, 35)));
    EXPECT_FALSE(parseUuid("11111111-2222-3333-4444_555555555555"));
    EXPECT_FALSE(parseUuid("1111111g-2222-3333-4444-555555555555"));
}

}  // namespace
}  // namespace mc::nvme::host::test
