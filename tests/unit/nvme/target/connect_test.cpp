#include <nvme/types.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "target/fixture.h"

namespace mc::nvme {
namespace {

using test::TestHost;
using Options = TestHost::ConnectOptions;

constexpr std::uint32_t dataField(std::size_t offset) {
    return static_cast<std::uint32_t>(offset) | 1U << 16U;
}

class NvmeTargetConnect : public test::TargetFixture {
  protected:
    /// Refused, for that field; the status without "do not retry".
    void expectRefusal(const Options& options, int code, std::uint32_t field) {
        TestHost host(target_->port());
        host.initialize();
        const auto answer = host.connect(options);
        EXPECT_EQ(answer.code(), code);
        EXPECT_EQ(answer.completion.result, field);
    }
    void waitForControllers(std::size_t count) {
        while (target_->controllers().size() != count) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    void waitForConnections(std::uint64_t count) {
        while (target_->counters().connections != count) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    static constexpr int kInvalid = 0x100 | NVME_SC_CONNECT_INVALID_PARAM;
};

TEST_F(NvmeTargetConnect, AdminQueueIsRefusedForWhatIsWrong) {
    start();
    const Options good{.subsystem_nqn = test::kSubsystem};
    Options options = good;
    options.subsystem_nqn = "nqn.2024-01.test:other";
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, subsystem_nqn)));
    options.subsystem_nqn = "";
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, subsystem_nqn)));
    options = good;
    options.host_nqn.assign(256, 'x');
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, host_nqn)));
    options = good;
    options.controller_id = 1;
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, controller_id)));
    options = good;
    options.queue_size = 0;
    expectRefusal(options, kInvalid, offsetof(ConnectCommand, queue_size));
    options.queue_size = 128;
    expectRefusal(options, kInvalid, offsetof(ConnectCommand, queue_size));
    options = good;
    options.record_format = 1;
    expectRefusal(options, 0x100 | NVME_SC_CONNECT_FORMAT, 0);
    EXPECT_TRUE(target_->controllers().empty());
}

TEST_F(NvmeTargetConnect, OnlyHostsThatAreAllowed) {
    start();
    ASSERT_TRUE(target_->addSubsystem(
        {.nqn = "nqn.2024-01.test:closed", .allow_any_host = false, .hosts = {{.nqn = "nqn.2024-01.test:friend"}}}));
    expectRefusal({.subsystem_nqn = "nqn.2024-01.test:closed"}, 0x100 | NVME_SC_CONNECT_INVALID_HOST,
                  dataField(offsetof(ConnectData, host_nqn)));
    expectRefusal({.subsystem_nqn = "nqn.2024-01.test:closed", .host_nqn = ""}, 0x100 | NVME_SC_CONNECT_INVALID_HOST,
                  dataField(offsetof(ConnectData, host_nqn)));
    TestHost host(target_->port());
    host.initialize();
    EXPECT_EQ(
        host.connect({.subsystem_nqn = "nqn.2024-01.test:closed", .host_nqn = "nqn.2024-01.test:friend"}).status(), 0);
}

TEST_F(NvmeTargetConnect, AHostWithoutANameIsAnyHost) {
    start();
    addMemory(1);
    TestHost admin = connectAdmin({.host_nqn = ""});
    ASSERT_EQ(target_->controllers().size(), 1U);
    EXPECT_EQ(target_->controllers()[0].host_nqn, "");
    TestHost queue(target_->port());
    queue.initialize();
    const Options options{
        .subsystem_nqn = test::kSubsystem, .host_nqn = "", .controller_id = controller_id_, .queue_id = 1};
    EXPECT_EQ(queue.connect(options).status(), 0);
    EXPECT_EQ(queue.run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
}

TEST_F(NvmeTargetConnect, AConnectionMayTryAgain) {
    start();
    TestHost host(target_->port());
    host.initialize();
    EXPECT_NE(host.connect({.subsystem_nqn = "nqn.2024-01.test:other"}).status(), 0);
    EXPECT_EQ(host.run({.opcode = nvme_admin_keep_alive}).code(), NVME_SC_CMD_SEQ_ERROR) << "not before Connect";
    EXPECT_EQ(host.connect({.subsystem_nqn = test::kSubsystem}).status(), 0);
    EXPECT_EQ(host.connect({.subsystem_nqn = test::kSubsystem}).code(), NVME_SC_CMD_SEQ_ERROR) << "not twice";
    EXPECT_EQ(host.run({.opcode = nvme_admin_keep_alive}).status(), 0);
}

TEST_F(NvmeTargetConnect, IoQueueIsRefusedForWhatIsWrong) {
    start();
    addMemory(1);
    TestHost admin(target_->port());
    admin.initialize();
    const auto connected = admin.connect({.subsystem_nqn = test::kSubsystem});
    const auto id = static_cast<std::uint16_t>(connected.completion.result);
    const Options good{.subsystem_nqn = test::kSubsystem, .controller_id = id, .queue_id = 1, .queue_size = 127};
    expectRefusal(good, NVME_SC_CMD_SEQ_ERROR, 0);  // Not enabled yet.
    admin.enable();
    Options options = good;
    options.controller_id = static_cast<std::uint16_t>(id + 1);
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, controller_id)));
    options = good;
    options.host_nqn = "nqn.2024-01.test:stranger";
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, host_nqn)));
    options = good;
    options.host_id = 2;
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, host_id)));
    options = good;
    options.subsystem_nqn = "nqn.2024-01.test:other";
    expectRefusal(options, kInvalid, dataField(offsetof(ConnectData, subsystem_nqn)));
    options = good;
    options.queue_id = 65;
    expectRefusal(options, kInvalid, offsetof(ConnectCommand, queue_id));
    options = good;
    options.queue_size = 128;
    expectRefusal(options, kInvalid, offsetof(ConnectCommand, queue_size));

    TestHost first(target_->port());
    first.initialize();
    EXPECT_EQ(first.connect(good).status(), 0);
    expectRefusal(good, NVME_SC_CMD_SEQ_ERROR, 0);  // There is one.
    EXPECT_EQ(target_->controllers().front().io_queues, 1U);
}

TEST_F(NvmeTargetConnect, QueuesGoWithTheirController) {
    start();
    addMemory(1);
    std::optional<TestHost> admin(connectAdmin());
    std::vector<TestHost> queues;
    for (std::uint16_t i = 1; i <= 64; ++i) {
        queues.push_back(connectQueue(i));
    }
    EXPECT_EQ(target_->controllers().front().io_queues, 64U);
    admin->close();
    for (auto& queue : queues) {
        EXPECT_TRUE(queue.atEnd());
    }
    waitForControllers(0);
    waitForConnections(0);
}

TEST_F(NvmeTargetConnect, AQueueThatGoesCanComeBack) {
    start();
    addMemory(1);
    TestHost admin = connectAdmin();
    for (int i = 0; i < 3; ++i) {
        TestHost queue = connectQueue(1);
        const FabricsCommand disconnect{.type = FabricsType::Disconnect};
        EXPECT_EQ(queue.run(std::bit_cast<SubmissionEntry>(disconnect)).status(), 0);
        EXPECT_TRUE(queue.atEnd());
    }
    const FabricsCommand disconnect{.type = FabricsType::Disconnect};
    EXPECT_EQ(admin.run(std::bit_cast<SubmissionEntry>(disconnect)).code(), 0x100 | NVME_SC_DISCONNECT_INVALID_QTYPE);
    EXPECT_EQ(target_->controllers().size(), 1U);
}

TEST_F(NvmeTargetConnect, ManyControllersUpToTheLimit) {
    start({.max_controllers = 20});
    std::vector<TestHost> hosts;
    std::vector<std::uint16_t> ids;
    for (int i = 0; i < 20; ++i) {
        hosts.push_back(connectAdmin());
        ids.push_back(controller_id_);
    }
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
    TestHost late(target_->port());
    late.initialize();
    const auto refused = late.connect({.subsystem_nqn = test::kSubsystem});
    EXPECT_EQ(refused.status(), 0x100 | NVME_SC_CONNECT_CTRL_BUSY) << "it may try again";
    hosts.pop_back();
    waitForControllers(19);
    EXPECT_EQ(late.connect({.subsystem_nqn = test::kSubsystem}).status(), 0);
}

TEST_F(NvmeTargetConnect, ConnectionsUpToTheLimit) {
    start({.max_connections = 2});
    TestHost first = connectAdmin();
    TestHost second = connectAdmin();
    TestHost third(target_->port());
    EXPECT_TRUE(third.atEnd());
    EXPECT_EQ(target_->counters().connections_refused, 1U);
}

TEST_F(NvmeTargetConnect, BeyondTheLimitThoseThatAreNotQueuesYetMakeRoom) {
    start({.max_connections = 3});
    TestHost admin = connectAdmin();
    TestHost first(target_->port());
    TestHost second(target_->port());
    first.initialize();
    second.initialize();
    TestHost queue = connectQueue(1);
    EXPECT_EQ(target_->counters().connections, 3U);
    EXPECT_EQ(target_->counters().connections_refused, 0U);
    EXPECT_EQ(admin.run({.opcode = nvme_admin_keep_alive}).status(), 0);
}

TEST_F(NvmeTargetConnect, AThousandIdleQueuesTakeLittleMemory) {
    constexpr std::size_t kControllers = 20;
    constexpr std::uint16_t kQueues = 50;
    rlimit descriptors{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 2 * kControllers * (kQueues + 1) + 100);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    const auto resident = [] {
        std::ifstream statm("/proc/self/statm");
        std::size_t all = 0, pages = 0;
        statm >> all >> pages;
        return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    };
    start();
    addMemory(1);
    const std::size_t before = resident();
    std::vector<TestHost> hosts;
    for (std::size_t i = 0; i < kControllers; ++i) {
        hosts.push_back(connectAdmin());
        for (std::uint16_t queue = 1; queue <= kQueues; ++queue) {
            hosts.push_back(connectQueue(queue, {.header = true, .data = true}));
            ASSERT_EQ(hosts.back().run(transfer(nvme_cmd_read, 0, 1), 4096).status(), 0);
        }
    }
    EXPECT_LT((resident() - before) / (kControllers * kQueues), std::size_t{256} << 10U);
}

TEST_F(NvmeTargetConnect, WithoutKeepAliveAControllerEnds) {
    start();
    addMemory(1);
    TestHost silent = connectAdmin({.keep_alive = 1500});
    TestHost queue = connectQueue(1);
    TestHost alive = connectAdmin({.keep_alive = 60000});
    EXPECT_TRUE(silent.atEnd());
    EXPECT_TRUE(queue.atEnd());
    waitForControllers(1);
    EXPECT_EQ(alive.run({.opcode = nvme_admin_keep_alive}).status(), 0);
}

TEST_F(NvmeTargetConnect, KeepAliveKeepsAlive) {
    start();
    TestHost host = connectAdmin({.keep_alive = 400});
    for (int i = 0; i < 20; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        ASSERT_EQ(host.run({.opcode = nvme_admin_keep_alive}).status(), 0);
    }
    EXPECT_EQ(host.run({.opcode = nvme_admin_set_features, .cdw10 = NVME_FEAT_FID_KATO, .cdw11 = 50}).status(), 0);
    EXPECT_TRUE(host.atEnd()) << "the shorter time that was set";
}

TEST_F(NvmeTargetConnect, AConnectionThatDoesNotConnectIsEnded) {
    start({.connect_timeout = std::chrono::milliseconds(1500)});
    TestHost nothing(target_->port());
    TestHost initialized(target_->port());
    initialized.initialize();
    TestHost refused(target_->port());
    refused.initialize();
    EXPECT_NE(refused.connect({.subsystem_nqn = "nqn.2024-01.test:other"}).status(), 0);
    TestHost connected = connectAdmin();
    EXPECT_TRUE(nothing.atEnd());
    EXPECT_TRUE(initialized.atEnd());
    EXPECT_TRUE(refused.atEnd());
    EXPECT_EQ(connected.run({.opcode = nvme_admin_keep_alive}).status(), 0);
}

TEST_F(NvmeTargetConnect, ATargetThatCannotReachItsDevicesDoesNotStart) {
    auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 1);
    ASSERT_TRUE(listener);
    const auto target = Target::start(std::move(*listener), {.threads = 2, .blocks = {.depth = 0}});
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code, ErrorCode::InvalidArgument);
}

TEST_F(NvmeTargetConnect, StatusTellsWhoIsThere) {
    start();
    TestHost host = connectAdmin({.host_nqn = "nqn.2024-01.test:me"}, {.header = true, .data = false});
    const auto controllers = target_->controllers();
    ASSERT_EQ(controllers.size(), 1U);
    EXPECT_EQ(controllers[0].host_nqn, "nqn.2024-01.test:me");
    EXPECT_EQ(controllers[0].subsystem_nqn, test::kSubsystem);
    EXPECT_TRUE(controllers[0].address.starts_with("127.0.0.1:"));
    EXPECT_TRUE(controllers[0].header_digest);
    EXPECT_FALSE(controllers[0].data_digest);
    EXPECT_FALSE(controllers[0].authenticated);
}

}  // namespace
}  // namespace mc::nvme
