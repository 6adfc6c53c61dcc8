#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mc-bench/options.h"

namespace mc::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Settings> read(std::vector<std::string> arguments, config::Variables environment = {}) {
    const auto values =
        config::load(benchTool(), {.arguments = arguments, .environment = std::move(environment), .toml_file = {}});
    if (!values) return std::unexpected(values.error());
    return settingsFrom(*values);
}

std::string refusal(std::vector<std::string> arguments) {
    const auto settings = read(std::move(arguments));
    return settings ? std::string() : settings.error().message;
}

TEST(BenchSettings, DefaultsAreThoseOfTheStockBenchmarkOverTcp) {
    const auto settings = read({"--segment_id=10.0.0.2:12345"});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->mode, "initiator");
    EXPECT_EQ(settings->metadata_server, "P2PHANDSHAKE");
    EXPECT_EQ(settings->protocol, "tcp");
    EXPECT_EQ(settings->segment_id, "10.0.0.2:12345");
    EXPECT_EQ(settings->workload.operation, Operation::Read);
    EXPECT_THAT(settings->workload.block_sizes, ElementsAre(65536));
    EXPECT_THAT(settings->workload.batch_sizes, ElementsAre(128));
    EXPECT_THAT(settings->workload.threads, ElementsAre(12));
    EXPECT_EQ(settings->workload.duration, std::chrono::seconds(10));
    EXPECT_EQ(settings->buffer_size, 1ULL << 30);
    EXPECT_EQ(settings->report_unit.name, "GB");
    EXPECT_EQ(settings->report_precision, 2);
}

TEST(BenchSettings, AccessIsThatOfTheSegmentUnlessItIsSaid) {
    EXPECT_TRUE(read({"--mode=loopback"})->access_by_segment);
    const auto fixed = read({"--mode=loopback", "--access=fixed"});
    EXPECT_FALSE(fixed->access_by_segment);
    EXPECT_EQ(fixed->workload.access, Access::Fixed);
    const auto random = read({"--mode=loopback", "--access=random"});
    EXPECT_FALSE(random->access_by_segment);
    EXPECT_EQ(random->workload.access, Access::Random);
    EXPECT_EQ(random->workload.cases()->front().access, Access::Random);
}

TEST(BenchSettings, ListsBecomeASweepAndTheBufferHoldsItsLargestCase) {
    const auto settings = read({"--mode=target", "--block_size=4KiB,1MiB", "--threads", "1,4", "--buffer_size=1MiB"});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(settings->workload.block_sizes, ElementsAre(4096, 1 << 20));
    EXPECT_THAT(settings->workload.threads, ElementsAre(1, 4));
    EXPECT_EQ(settings->largest_span, (1ULL << 20) * 128 * 4);
    EXPECT_EQ(settings->buffer_size, settings->largest_span);
}

TEST(BenchSettings, TheSeedIsAnotherInEachRunUnlessItIsGiven) {
    EXPECT_EQ(read({"--mode=loopback", "--seed=7"})->workload.seed, 7);
    EXPECT_NE(read({"--mode=loopback"})->workload.seed, read({"--mode=loopback"})->workload.seed);
    EXPECT_LT(read({"--mode=loopback"})->workload.seed, 1ULL << 53);
}

TEST(BenchSettings, RefusesWhatThisBuildOrModeCannotDo) {
    EXPECT_THAT(refusal({"--mode=loopback", "--protocol=rdma"}), HasSubstr("\"rdma\" is not in this build"));
    EXPECT_THAT(refusal({"--mode=loopback", "--use_vram"}), HasSubstr("GPU"));
    EXPECT_EQ(refusal({"--mode=loopback", "--use_vram=false"}), "");
    EXPECT_THAT(refusal({}), HasSubstr("--segment_id"));
    EXPECT_THAT(refusal({"--mode=loopback", "--json", "--csv"}), HasSubstr("--json"));
    EXPECT_THAT(refusal({"--mode=loopback", "--block_size=64GiB", "--batch_size=1000"}), HasSubstr("more than 512GiB"));
}

TEST(BenchSettings, QuietSilencesTheEngineToo) {
    EXPECT_EQ(read({"--mode=loopback", "-q"})->engine.log_level, "error");
    EXPECT_EQ(read({"--mode=loopback"}, {{"MC_LOG_LEVEL", "WARNING"}})->engine.log_level, "warning");
}

TEST(BenchSettings, TheRecordHasEveryOptionAsInEffect) {
    const auto settings = read({"--mode=loopback", "--block_size=4KiB,8KiB"}, {{"MC_RETRY_CNT", "3"}});
    EXPECT_THAT(settings->options, testing::Contains(testing::Pair("block_size", "4KiB,8KiB")));
    EXPECT_THAT(settings->options, testing::Contains(testing::Pair("retry_count", "3")));
}

TEST(BenchSettings, Ipv6HasItsOwnLoopbackByDefaultAndRefusesIpv4) {
    EXPECT_EQ(read({"--mode=loopback"})->local_server_name, "127.0.0.1");
    const auto v6 = read({"--mode=loopback"}, {{"MC_USE_IPV6", "1"}});
    ASSERT_TRUE(v6) << v6.error().message;
    EXPECT_EQ(v6->local_server_name, "::1");
    EXPECT_THAT(v6->options, testing::Contains(testing::Pair("local_server_name", "::1")));
    EXPECT_TRUE(read({"--mode=loopback", "--ipv6", "--local_server_name=localhost:1"}));
    EXPECT_THAT(refusal({"--mode=loopback", "--ipv6", "--local_server_name=127.0.0.1:80"}),
                HasSubstr("--local-server-name: \"127.0.0.1:80\" is an IPv4 address"));
    EXPECT_THAT(refusal({"--mode=loopback", "--ipv6", "--bind-address=10.0.0.1"}),
                HasSubstr("--bind-address: \"10.0.0.1\" is an IPv4 address"));
}

TEST(BenchSettings, AnIpv6AddressNeedsBracketsBeforeItsPort) {
    for (const auto* option : {"--segment_id", "--local_server_name"}) {
        const auto settings = read({"--mode=target", std::string(option) + "=::1:12345"});
        ASSERT_FALSE(settings) << option;
        EXPECT_EQ(settings.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(settings.error().message, HasSubstr("\"::1:12345\" is no address"));
        EXPECT_EQ(settings.error().hint, "did you mean \"[::1]:12345\"?");
    }
    EXPECT_TRUE(read({"--segment_id=::1:1234"})) << "an address, too";
    EXPECT_TRUE(read({"--segment_id=fe80::1%eth0"}));
    EXPECT_THAT(read({"--segment_id=node:70000"}).error().hint, HasSubstr("port \"70000\""));
}

TEST(BenchSettings, OfAListGivenTwiceTheLastCounts) {
    EXPECT_THAT(read({"--mode=loopback", "--threads=1,2", "--threads=4"})->workload.threads, ElementsAre(4));
}

}  // namespace
}  // namespace mc::bench
