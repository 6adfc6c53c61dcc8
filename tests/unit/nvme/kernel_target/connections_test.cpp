#include "nvme/kernel/target/connections.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary.h"

namespace mc::nvmet {
namespace {

TEST(Connections, AreThoseToTheAddressThatAreOpen) {
    const std::filesystem::path directory = mc::test::temporaryPath("net");
    std::filesystem::create_directory(directory);
    std::ofstream(directory / "tcp") << "  sl  local_address rem_address   st tx_queue rx_queue\n"
                                        "   0: 0100007F:1144 00000000:0000 0A 00000000:00000000\n"  // Listens.
                                        "   1: 0100007F:1144 0100007F:B058 01 00000000:00000000\n"
                                        "   2: 0100007F:1144 0100007F:B060 01 00000000:00000000\n"
                                        "   3: 0100007F:1144 0100007F:B062 06 00000000:00000000\n"   // Has ended.
                                        "   4: 0100007F:B058 0100007F:1144 01 00000000:00000000\n"   // The other end.
                                        "   5: 0200000A:1144 0300000A:B070 01 00000000:00000000\n";  // 10.0.0.2
    std::ofstream(directory / "tcp6")
        << "  sl  local_address rem_address st\n"
           "   0: 00000000000000000000000001000000:1144 00000000000000000000000001000000:9C40 01 0\n";
    const auto count = [&](const char* family, const char* address, const char* port) {
        return countConnections({"tcp", family, address, port}, directory);
    };
    EXPECT_EQ(count("ipv4", "127.0.0.1", "4420"), 2);
    EXPECT_EQ(count("ipv4", "10.0.0.2", "4420"), 1);
    EXPECT_EQ(count("ipv4", "0.0.0.0", "4420"), 3);
    EXPECT_EQ(count("ipv4", "127.0.0.1", "4421"), 0);
    EXPECT_EQ(count("ipv6", "::1", "4420"), 1);
    EXPECT_EQ(count("ipv6", "::", "4420"), 1);
    EXPECT_EQ(count("ipv6", "::2", "4420"), 0);
    EXPECT_EQ(count("ipv4", "nowhere", "4420"), 0);
    EXPECT_EQ(countConnections({"tcp", "ipv4", "127.0.0.1", "4420"}, directory / "none"), 0);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace mc::nvmet
