#include "bench/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mc/version.h"

namespace mc::bench {
namespace {

TEST(Environment, DescribesThisMachine) {
    const Environment environment = collectEnvironment();
    EXPECT_TRUE(environment.kernel.starts_with("Linux "));
    EXPECT_GE(environment.cpus, 1);
    EXPECT_EQ(environment.library_version, version());
    EXPECT_FALSE(environment.build_type.empty());
    EXPECT_THAT(environment.date, testing::ContainsRegex("^....-..-..T..:..:..[+-]....$"));
    EXPECT_TRUE(environment.load_before);
}

TEST(Environment, ReadsTheCpuModelAndTheKernelsCongestionControl) {
    const auto proc = std::filesystem::path(testing::TempDir()) / ("environment_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(proc / "sys/net/ipv4");
    std::ofstream(proc / "cpuinfo") << "processor\t: 0\nmodel name\t: Some CPU @ 2.0\nmodel name\t: Another\n";
    std::ofstream(proc / "sys/net/ipv4/tcp_congestion_control") << "cubic\n";
    const Environment environment = collectEnvironment(proc);
    std::filesystem::remove_all(proc);
    EXPECT_EQ(environment.cpu_model, "Some CPU @ 2.0");
    EXPECT_EQ(environment.system_congestion_control, "cubic");
}

}  // namespace
}  // namespace mc::bench
