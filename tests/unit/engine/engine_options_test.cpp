#include "engine/engine_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "temporary.h"

namespace mc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

Result<EngineOptions> options(std::vector<std::string> arguments, config::Variables environment = {}) {
    const config::Tool tool{.main = {.name = "mc-test", .options = {engineOptionTable()}}};
    const auto values = config::load(tool, {.arguments = arguments, .environment = environment, .toml_file = {}});
    if (!values) return std::unexpected(values.error());
    return engineOptionsFrom(*values);
}

TEST(EngineOptions, theTablesDefaultsAreThoseOfTheStruct) {
    const auto table = options({});
    ASSERT_TRUE(table) << table.error().message;
    const EngineOptions plain;
    EXPECT_EQ(table->tcp.threads, plain.tcp.threads);
    EXPECT_EQ(table->tcp.connections_per_peer, plain.tcp.connections_per_peer);
    EXPECT_EQ(table->tcp.protocol_version, plain.tcp.protocol_version);
    EXPECT_EQ(table->tcp.connect_timeout, plain.tcp.connect_timeout);
    EXPECT_EQ(table->tcp.status_timeout, plain.tcp.status_timeout);
    EXPECT_EQ(table->tcp.congestion, plain.tcp.congestion);
    EXPECT_EQ(table->tcp.data_port, plain.tcp.data_port);
    EXPECT_EQ(table->tcp.max_connections, plain.tcp.max_connections);
    EXPECT_EQ(table->port_range.first, plain.port_range.first);
    EXPECT_EQ(table->port_range.last, plain.port_range.last);
    EXPECT_EQ(table->default_handshake_port, plain.default_handshake_port);
    EXPECT_EQ(table->handshake_listen_backlog, plain.handshake_listen_backlog);
    EXPECT_EQ(table->handshake_connect_timeout, plain.handshake_connect_timeout);
    EXPECT_EQ(table->handshake_reply_timeout, plain.handshake_reply_timeout);
    EXPECT_EQ(table->handshake_max_length, plain.handshake_max_length);
    EXPECT_EQ(table->bind_address, plain.bind_address);
    EXPECT_EQ(table->advertise_address, plain.advertise_address);
    EXPECT_EQ(table->take_over, plain.take_over);
    EXPECT_EQ(table->probe_timeout, plain.probe_timeout);
    EXPECT_EQ(table->metadata_cluster_id, plain.metadata_cluster_id);
    EXPECT_EQ(table->metadata.connect_timeout, plain.metadata.connect_timeout);
    EXPECT_EQ(table->metadata.timeout, plain.metadata.timeout);
    EXPECT_EQ(table->metadata.max_value, plain.metadata.max_value);
    EXPECT_EQ(table->metadata.proxy, plain.metadata.proxy);
    EXPECT_EQ(table->metadata.ca_file, plain.metadata.ca_file);
    EXPECT_EQ(table->metadata.cert_file, plain.metadata.cert_file);
    EXPECT_EQ(table->metadata.key_file, plain.metadata.key_file);
    EXPECT_EQ(table->metadata.username, plain.metadata.username);
    EXPECT_EQ(table->metadata.password, plain.metadata.password);
    EXPECT_EQ(table->metadata.redis_username, plain.metadata.redis_username);
    EXPECT_EQ(table->metadata.redis_password, plain.metadata.redis_password);
    EXPECT_EQ(table->metadata.redis_db, plain.metadata.redis_db);
    EXPECT_EQ(table->use_ipv6, plain.use_ipv6);
    EXPECT_EQ(table->metadata_cache, plain.metadata_cache);
    EXPECT_EQ(table->retry_count, plain.retry_count);
    EXPECT_EQ(table->slice_timeout, plain.slice_timeout);
    EXPECT_EQ(table->max_notifications, plain.max_notifications);
    EXPECT_EQ(table->metrics, plain.metrics);
    EXPECT_EQ(table->metrics_interval, plain.metrics_interval);
    EXPECT_EQ(table->verbose, plain.verbose);
    EXPECT_EQ(table->log_level, plain.log_level);
}

TEST(EngineOptions, everyVariableReachesItsMember) {
    const auto set = options({}, {{"MC_TCP_LANES_PER_PEER", "7"},
                                  {"MC_TCP_PROTO", "1"},
                                  {"MC_TCP_STATUS_TIMEOUT_SEC", "3"},
                                  {"MC_MIN_RPC_PORT", "20000"},
                                  {"MC_MAX_RPC_PORT", "20010"},
                                  {"MC_HANDSHAKE_PORT", "12345"},
                                  {"MC_HANDSHAKE_LISTEN_BACKLOG", "16"},
                                  {"MC_HANDSHAKE_CONNECT_TIMEOUT", "2"},
                                  {"MC_HANDSHAKE_MAX_LENGTH", "2097152"},
                                  {"MC_TCP_BIND_ADDRESS", "10.0.0.1"},
                                  {"MC_METADATA_CLUSTER_ID", "blue"},
                                  {"MC_METADATA_CONNECT_TIMEOUT", "500ms"},
                                  {"MC_METADATA_TIMEOUT", "2"},
                                  {"MC_METADATA_MAX_VALUE", "1MiB"},
                                  {"MC_METADATA_PROXY", "http://proxy:3128"},
                                  {"MC_METADATA_CA_FILE", "/ca.pem"},
                                  {"MC_METADATA_CERT_FILE", "/client.pem"},
                                  {"MC_METADATA_KEY_FILE", "/client.key"},
                                  {"MC_METADATA_USER", "etcd-user"},
                                  {"MC_REDIS_USERNAME", "redis-user"},
                                  {"MC_REDIS_PASSWORD", "a, b"},
                                  {"MC_REDIS_DB_INDEX", "7"},
                                  {"MC_USE_IPV6", "0"},
                                  {"MC_DISABLE_METACACHE", "0"},
                                  {"MC_RETRY_CNT", "3"},
                                  {"MC_SLICE_TIMEOUT", "30"},
                                  {"MC_TE_METRIC", "1"},
                                  {"MC_TE_METRIC_INTERVAL_SECONDS", "9"},
                                  {"MC_VERBOSE", "0"},
                                  {"MC_LOG_LEVEL", "WARNING"}});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->tcp.connections_per_peer, 7);
    EXPECT_EQ(set->tcp.protocol_version, 1);
    EXPECT_EQ(set->tcp.status_timeout, seconds(3));
    EXPECT_EQ(set->port_range.first, 20000);
    EXPECT_EQ(set->port_range.last, 20010);
    EXPECT_EQ(set->default_handshake_port, 12345);
    EXPECT_EQ(set->handshake_listen_backlog, 16);
    EXPECT_EQ(set->handshake_connect_timeout, seconds(2));
    EXPECT_EQ(set->handshake_max_length, 2097152U);
    EXPECT_EQ(set->bind_address, "10.0.0.1");
    EXPECT_EQ(set->metadata_cluster_id, "blue");
    EXPECT_EQ(set->metadata.connect_timeout, milliseconds(500));
    EXPECT_EQ(set->metadata.timeout, seconds(2));
    EXPECT_EQ(set->metadata.max_value, 1048576U);
    EXPECT_EQ(set->metadata.proxy, "http://proxy:3128");
    EXPECT_EQ(set->metadata.ca_file, "/ca.pem");
    EXPECT_EQ(set->metadata.cert_file, "/client.pem");
    EXPECT_EQ(set->metadata.key_file, "/client.key");
    EXPECT_EQ(set->metadata.username, "etcd-user");
    EXPECT_EQ(set->metadata.password, "");
    EXPECT_EQ(set->metadata.redis_username, "redis-user");
    EXPECT_EQ(set->metadata.redis_password, "a, b");
    EXPECT_EQ(set->metadata.redis_db, 7);
    EXPECT_TRUE(set->use_ipv6) << "any value means on";
    EXPECT_FALSE(set->metadata_cache) << "any value means off";
    EXPECT_EQ(set->retry_count, 3);
    EXPECT_EQ(set->slice_timeout, seconds(30));
    EXPECT_TRUE(set->metrics);
    EXPECT_EQ(set->metrics_interval, seconds(9));
    EXPECT_TRUE(set->verbose) << "any value means on";
    EXPECT_EQ(set->log_level, "warning");
}

TEST(EngineOptions, everyFlagWithoutAVariableReachesItsMember) {
    const auto set = options({"--tcp-threads=2", "--tcp-connect-timeout=1500ms", "--congestion-control=cubic",
                              "--tcp-data-port=9000", "--tcp-max-connections=8", "--handshake-reply-timeout=7s",
                              "--advertise=node1", "--max-notifications=5", "--slice-timeout=500us"});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->tcp.threads, 2);
    EXPECT_EQ(set->tcp.connect_timeout, milliseconds(1500));
    EXPECT_EQ(set->tcp.congestion, "cubic");
    EXPECT_EQ(set->tcp.data_port, 9000);
    EXPECT_EQ(set->tcp.max_connections, 8U);
    EXPECT_EQ(set->handshake_reply_timeout, seconds(7));
    EXPECT_EQ(set->advertise_address, "node1");
    EXPECT_EQ(set->max_notifications, 5U);
    EXPECT_EQ(set->slice_timeout, milliseconds(1)) << "rounded up: 0 would mean none";
}

TEST(EngineOptions, oldSpellingsOfVariablesStillCount) {
    const auto set = options(
        {}, {{"MC_MIN_PRC_PORT", "16000"}, {"MC_MAX_PRC_PORT", "16001"}, {"MC_TCP_MAX_CONNECTIONS_PER_PEER", "2"}});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->port_range.first, 16000);
    EXPECT_EQ(set->port_range.last, 16001);
    EXPECT_EQ(set->tcp.connections_per_peer, 2);
}

TEST(EngineOptions, aVariableOutOfItsRangeIsAConfigErrorThatNamesIt) {
    const config::Variables wrong{{"MC_TCP_LANES_PER_PEER", "17"},
                                  {"MC_RETRY_CNT", "0"},
                                  {"MC_MIN_RPC_PORT", "80"},
                                  {"MC_MAX_RPC_PORT", "65536"},
                                  {"MC_HANDSHAKE_MAX_LENGTH", "1024"},
                                  {"MC_HANDSHAKE_CONNECT_TIMEOUT", "3600"},
                                  {"MC_TCP_PROTO", "3"},
                                  {"MC_LOG_LEVEL", "loud"},
                                  {"MC_SLICE_TIMEOUT", "-1"}};
    for (const auto& [name, text] : wrong) {
        const auto set = options({}, {{name, text}});
        ASSERT_FALSE(set) << name;
        EXPECT_EQ(set.error().code, ErrorCode::Config) << name;
        EXPECT_THAT(set.error().message, StartsWith("environment " + name + ": ")) << name;
    }
}

TEST(EngineOptions, aRangeOfPortsThatIsUpsideDownIsRefused) {
    const auto both = options({}, {{"MC_MIN_RPC_PORT", "20000"}, {"MC_MAX_RPC_PORT", "19999"}});
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().code, ErrorCode::Config);
    EXPECT_EQ(both.error().message, "environment MC_MIN_RPC_PORT: --min-port: \"20000\" is above max-port, 19999");
    const auto one = options({}, {{"MC_MAX_RPC_PORT", "2000"}});
    ASSERT_FALSE(one);
    EXPECT_THAT(one.error().message, HasSubstr("\"2000\" is below min-port, 15000"));
    EXPECT_TRUE(options({"--min-port=16000", "--max-port=16000"}));
}

TEST(EngineOptions, thePasswordIsTheFirstLineOfItsFile) {
    const std::string path = test::temporaryPath("password");
    const auto write = [&](const std::string& text) { std::ofstream(path, std::ios::trunc) << text; };
    write("pass word\r\nsecond line\n");
    EXPECT_EQ(options({}, {{"MC_METADATA_PASSWORD_FILE", path}})->metadata.password, "pass word");
    write("without an end");
    EXPECT_EQ(options({"--metadata-password-file=" + path})->metadata.password, "without an end");
    for (const auto& text : {std::string(), std::string("\nsecond"), std::string(5000, 'x')}) {
        write(text);
        EXPECT_EQ(options({"--metadata-password-file=" + path}).error().code, ErrorCode::Config);
    }
    std::filesystem::remove(path);
    const auto missing = options({"--metadata-password-file=" + path});
    EXPECT_EQ(missing.error().code, ErrorCode::NoInput);
    EXPECT_THAT(missing.error().message, HasSubstr("metadata_password_file: open " + path));
}

TEST(EngineOptions, whatOnlyTheEnvironmentSetsIsNoFlag) {
    EXPECT_EQ(options({"--redis-password=x"}).error().code, ErrorCode::InvalidArgument);
    const auto database = options({}, {{"MC_REDIS_DB_INDEX", "256"}});
    EXPECT_EQ(database.error().code, ErrorCode::Config);
    EXPECT_EQ(database.error().message,
              "environment MC_REDIS_DB_INDEX: \"256\" is out of range: must be from 0 to 255");
}

TEST(EngineOptions, fromEnvironmentReadsTheProcess) {
    ASSERT_EQ(::setenv("MC_RETRY_CNT", "5", 1), 0);  // NOLINT(concurrency-mt-unsafe): a single thread
    const auto set = EngineOptions::fromEnvironment();
    ASSERT_EQ(::setenv("MC_RETRY_CNT", "500", 1), 0);  // NOLINT(concurrency-mt-unsafe)
    const auto wrong = EngineOptions::fromEnvironment();
    ASSERT_EQ(::unsetenv("MC_RETRY_CNT"), 0);  // NOLINT(concurrency-mt-unsafe)
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->retry_count, 5);
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("MC_RETRY_CNT"));
}

TEST(EngineOptionTable, AnUnknownCongestionControlIsAnErrorThatNamesTheKernelsOwn) {
    for (const auto* name : {"nosuch", "", "a-name-that-is-longer-than-the-kernel-takes"}) {
        const auto refused = options({std::string("--congestion-control=") + name});
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(refused.error().message, testing::HasSubstr("is not known to the kernel, which has "));
        EXPECT_THAT(refused.error().hint, testing::HasSubstr("auto, system"));
    }
    EXPECT_TRUE(options({"--congestion-control=system"}));
}

}  // namespace
}  // namespace mc
