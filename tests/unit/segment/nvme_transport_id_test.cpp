#include "segment/nvme_transport_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mc {
namespace {

using testing::HasSubstr;

constexpr const char* kUsual = "trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420";

TEST(NvmeTransportIds, AreReadInAnyOrderAndBothForms) {
    for (const char* text : {kUsual, "  trsvcid:4420\ttraddr:10.0.0.2\nadrfam:ipv4 trtype:tcp ",
                             "trtype=TCP adrfam=IPv4 traddr=10.0.0.2 trsvcid=4420"}) {
        const auto trid = parseNvmeTransportId(text);
        ASSERT_TRUE(trid) << text << ": " << trid.error().message;
        EXPECT_EQ(toString(*trid), kUsual);
    }
    const auto six = parseNvmeTransportId("trtype=tcp adrfam=ipv6 traddr=fe80::1%eth0 trsvcid=0");
    ASSERT_TRUE(six) << six.error().message;
    EXPECT_EQ(six->traddr, "fe80::1%eth0");
    EXPECT_TRUE(parseNvmeTransportId("trtype=tcp adrfam=ipv4 traddr=node7 trsvcid=1"));
}

TEST(NvmeTransportIds, ErrorsNameTheKey) {
    const auto problem = [](const char* text) {
        const auto trid = parseNvmeTransportId(text);
        EXPECT_FALSE(trid) << text;
        if (trid) return std::string();
        EXPECT_EQ(trid.error().code, ErrorCode::InvalidArgument) << text;
        return trid.error().message;
    };
    EXPECT_THAT(problem(""), HasSubstr("trtype is missing"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ipv4 traddr=10.0.0.2"), HasSubstr("trsvcid is missing"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ipv4 traddr= trsvcid=4420"), HasSubstr("traddr has no value"));
    EXPECT_THAT(problem("trtype=tcp tcp"), HasSubstr("\"tcp\" has no value"));
    EXPECT_THAT(problem("trtype=tcp trtype=tcp"), HasSubstr("trtype is there twice"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420 subnqn=x"), HasSubstr("\"subnqn\""));
    EXPECT_THAT(problem("trtype=rdma adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420"), HasSubstr("trtype rdma"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ib traddr=10.0.0.2 trsvcid=4420"), HasSubstr("adrfam ib"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ipv6 traddr=10.0.0.2 trsvcid=4420"), HasSubstr("traddr 10.0.0.2"));
    EXPECT_THAT(problem("trtype=tcp adrfam=ipv4 traddr=::1 trsvcid=4420"), HasSubstr("traddr ::1"));
    for (const char* port : {"-1", "65536", "4420x", "http"}) {
        const std::string text = std::string("trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=") + port;
        EXPECT_THAT(problem(text.c_str()), HasSubstr("trsvcid"));
    }
}

}  // namespace
}  // namespace mc
