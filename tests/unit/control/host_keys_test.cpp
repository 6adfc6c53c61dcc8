#include "control/host_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "nvme/nqn.h"
#include "temporary.h"

namespace mc::control {
namespace {

using testing::HasSubstr;
using testing::Not;

// A secret of nobody.
constexpr const char* kKey = "DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV:";
constexpr const char* kHost = "nqn.2014-08.org.nvmexpress:uuid:4bdd3b0e-33b3-4a0e-9e2a-1d2c0f6f4f6e";

class HostKeys : public testing::Test {
  protected:
    ~HostKeys() override { std::filesystem::remove(path_); }
    void write(const std::string& text, std::filesystem::perms mode = std::filesystem::perms(0600)) const {
        std::ofstream(path_) << text;
        std::filesystem::permissions(path_, mode);
    }
    std::string refused(const std::string& text) const {
        write(text);
        const auto hosts = readHostKeys(path_);
        EXPECT_FALSE(hosts) << text;
        if (hosts) return {};
        EXPECT_EQ(hosts.error().code, ErrorCode::Config) << hosts.error().message;
        EXPECT_THAT(hosts.error().message + hosts.error().hint, Not(HasSubstr("Wwh0")));
        return hosts.error().message;
    }

    const std::string path_ = mc::test::temporaryPath("host-keys");
    const std::string line_ = std::string(kHost) + " " + kKey;
};

TEST_F(HostKeys, AreReadFromLines) {
    write("# hosts\n\n" + line_ + "\r\n  \tnqn.host2 \t" + kKey + " " + kKey + "  \n   # the end\nnqn.host3 " + kKey);
    const auto hosts = readHostKeys(path_);
    ASSERT_TRUE(hosts) << hosts.error().message;
    ASSERT_EQ(hosts->size(), 3);
    EXPECT_EQ(hosts->at(0).nqn, kHost);
    EXPECT_EQ(hosts->at(0).key, kKey);
    EXPECT_EQ(hosts->at(0).controller_key, "");
    EXPECT_EQ(hosts->at(1).nqn, "nqn.host2");
    EXPECT_EQ(hosts->at(1).controller_key, kKey);
    EXPECT_EQ(hosts->at(2).nqn, "nqn.host3");
}

TEST_F(HostKeys, ErrorsNameFileAndLineAndNoKey) {
    EXPECT_THAT(refused("\n" + std::string(kHost) + "\n"), HasSubstr(path_ + ":2: has 1 words"));
    EXPECT_THAT(refused(line_ + " " + kKey + " more\n"), HasSubstr(":1: has 4 words"));
    EXPECT_THAT(refused(std::string(kKey) + " " + kHost), HasSubstr(":1: its first word is no NVMe qualified name"));
    EXPECT_THAT(refused(line_ + "\n" + line_), HasSubstr(":2: " + std::string(kHost) + " is there twice"));
    EXPECT_THAT(refused(std::string(kHost) + " DHHC-1:00:Wwh0:"), HasSubstr(":1: the host's"));
    EXPECT_THAT(refused(line_ + " DHHC-1:00:Wwh0:"), HasSubstr(":1: the controller's"));
    EXPECT_THAT(refused("# nobody\n"), HasSubstr("names no host"));
}

TEST_F(HostKeys, ThatOthersMayReadAreRefused) {
    for (const unsigned mode : {0640U, 0604U}) {
        write(line_, std::filesystem::perms(mode));
        const auto hosts = readHostKeys(path_);
        ASSERT_FALSE(hosts) << mode;
        EXPECT_EQ(hosts.error().code, ErrorCode::Config);
        EXPECT_EQ(hosts.error().hint, "chmod 600 " + path_);
    }
    std::filesystem::remove(path_);
    EXPECT_EQ(readHostKeys(path_).error().code, ErrorCode::NoInput);
}

TEST(Nqns, AreChecked) {
    EXPECT_TRUE(nvme::checkNqn(kHost));
    EXPECT_TRUE(nvme::checkNqn("nqn." + std::string(219, 'x')));
    for (const std::string& text : {std::string(), std::string("iqn.host"), std::string("nqn.a b"),
                                    std::string("nqn.\n"), "nqn." + std::string(220, 'x')}) {
        EXPECT_FALSE(nvme::checkNqn(text)) << text;
    }
}

}  // namespace
}  // namespace mc::control
