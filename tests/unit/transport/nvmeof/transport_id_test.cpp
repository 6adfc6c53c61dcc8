#include "transport/nvmeof/transport_id.h"

#include <gmock/gmock.h>

namespace mc::nvmeof {
namespace {

TEST(TransportId, ReadsBothSeparatorsInAnyOrder) {
    const auto id = parseTransportId("  trsvcid:4420 traddr=10.0.0.2\ttrtype=tcp adrfam:ipv4 ");
    ASSERT_TRUE(id) << id.error().message;
    EXPECT_EQ(*id, (NvmeTransportId{"tcp", "ipv4", "10.0.0.2", "4420", ""}));
    EXPECT_EQ(formatTransportId(*id), "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420");
    // The first '=' separates, and ':' only where there is none.
    const auto v6 = parseTransportId("trtype=tcp adrfam=ipv6 traddr=fe80::1 trsvcid=4420");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->traddr, "fe80::1");
}

TEST(TransportId, ErrorsNameTheKey) {
    const auto complaint = [](std::string_view text) {
        const auto id = parseTransportId(text);
        if (id) return std::string("none");
        EXPECT_EQ(id.error().code, ErrorCode::InvalidArgument);
        return id.error().message;
    };
    EXPECT_THAT(complaint("trtype=tcp adrfam=ipv4 traddr=1.2.3.4"), testing::HasSubstr("trsvcid: missing"));
    EXPECT_THAT(complaint("trtype=tcp adrfam= traddr=1.2.3.4 trsvcid=1"), testing::HasSubstr("adrfam: no value"));
    EXPECT_THAT(complaint("trtype=tcp trtype=rdma"), testing::HasSubstr("trtype: given twice"));
    EXPECT_THAT(complaint("trtype=tcp subnqn=nqn.x"), testing::HasSubstr("subnqn: no such key"));
    EXPECT_THAT(complaint("trtype"), testing::HasSubstr("trtype: no value"));
    EXPECT_THAT(complaint("=tcp"), testing::HasSubstr("no such key"));
    EXPECT_THAT(complaint(""), testing::HasSubstr("trtype: missing"));
}

TEST(TransportId, OnlyTcpAddressesCanBeReached) {
    const auto problem = [](const NvmeTransportId& id) {
        const auto addresses = socketAddresses(id);
        return addresses ? std::string("none") : addresses.error().message;
    };
    const auto v4 = socketAddresses({"TCP", "IPv4", "127.0.0.1", "4420", ""});
    ASSERT_TRUE(v4) << v4.error().message;
    EXPECT_EQ(v4->front().toString(), "127.0.0.1:4420");
    EXPECT_THAT(problem({"rdma", "ipv4", "127.0.0.1", "4420", ""}), testing::HasSubstr("trtype rdma"));
    EXPECT_THAT(problem({"tcp", "ib", "127.0.0.1", "4420", ""}), testing::HasSubstr("adrfam ib"));
    EXPECT_THAT(problem({"tcp", "ipv4", "127.0.0.1", "65536", ""}), testing::HasSubstr("trsvcid 65536"));
    EXPECT_THAT(problem({"tcp", "ipv4", "127.0.0.1", "", ""}), testing::HasSubstr("trsvcid"));
    EXPECT_THAT(problem({"tcp", "ipv4", "", "4420", ""}), testing::HasSubstr("traddr"));
    EXPECT_THAT(problem({"tcp", "ipv4", "::1", "4420", ""}), testing::HasSubstr("traddr"));
}

}  // namespace
}  // namespace mc::nvmeof
