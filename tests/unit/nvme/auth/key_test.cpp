#include "nvme/auth/key.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "nvme/auth/fixture.h"
#include "temporary.h"

namespace mc::nvme {
namespace {

using test::kKey256;
using test::kKey384;
using test::kKey512;
using test::kPlainKey;
using testing::HasSubstr;
using testing::Not;

// What `nvme gen-dhchap-key --nqn=... --hmac=0..3` of nvme-cli 2.3 has printed.
constexpr const char* kGenerated[] = {
    "DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV:",
    "DHHC-1:01:faZQWLZSWmSoTHoJ5x9g7djTor0oUFkzdGBjKMNXkPWT6/Bn:",
    "DHHC-1:02:1kCscFehU/ILmr3rSFITpjlQkmmq+FblFRs8JUXGCX7Y3jFYMm5/SSiNRdyhF2c6yjVDxA==:",
    "DHHC-1:03:RUjrQzsgghnQI6t3EgGvikof1v1S9XlkdyONXZTr4XrX6K/Owr+FwJB/v4/6svGP4mEleN9RlRAjZA5+ET1mfv57fh8=:",
};

TEST(AuthenticationKey, TakesWhatNvmeCliMakesAndSaysTheSame) {
    for (const char* text : kGenerated) {
        const auto key = AuthenticationKey::parse(text);
        ASSERT_TRUE(key) << text << ": " << key.error().message;
        EXPECT_EQ(key->text(), text);
    }
}

TEST(AuthenticationKey, NeedsNoColonBehind) {
    std::string text = kKey256;
    text.pop_back();
    EXPECT_EQ(test::keyOf(text).text(), kKey256);
}

// In Python: hmac.new(secret, nqn + b"NVMe-over-Fabrics", "sha256").digest(), with the secret of the bytes 0, 1, 2 ...
TEST(AuthenticationKey, IsTiedToAnNqnByItsHash) {
    const std::pair<std::string, const char*> cases[] = {
        {kPlainKey, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
        {kKey256, "49aaad1b8946f252b7001cd538bc80d0682aba2fa36d5d49dd30002c2db4c43a"},
        {kKey384, "4893669ddb3a51a31dab1293bac863da6166b65234936db12702fba18d977da87662932fa1925d01fb75e258045434ea"},
        {kKey512,
         "417b5024dcd6583e960cb7a322010eeb3f132a83fe2cf7d1d21d04895b9fe01465246e9be0a22d88b9c99ded2f0d8fedc576be33575d8"
         "9"
         "2b5185596b6ef47dcf"},
        // A hash whose length is not the secret's.
        {std::string(kKey512).replace(7, 2, "01"), "18558d1b537e50f3be72df089e70f8dbf6a68ae03c58106931306d0029397696"},
    };
    for (const auto& [text, expected] : cases) {
        const auto transformed = test::keyOf(text).transformed(test::kHostNqn);
        ASSERT_TRUE(transformed) << text;
        EXPECT_EQ(test::hex(transformed->bytes()), expected) << text;
    }
}

TEST(AuthenticationKey, RefusesEverythingElseAndDoesNotRepeatIt) {
    const std::string good = kKey256;
    const std::string secret = good.substr(10, 40);
    const std::string cases[] = {
        "",
        "DHHC-1:",
        "DHHC-1:0",
        "DHHC-1:01",
        "DHHC-1:01:",
        "DHHC-1:01::",
        "DHHC-2" + good.substr(6),
        "dhhc-1" + good.substr(6),
        " " + good,
        good + "\n",
        good + ":",
        std::string(good).replace(7, 2, "04"),
        std::string(good).replace(7, 2, "11"),
        std::string(good).replace(7, 2, "0x"),
        std::string(good).replace(7, 3, "1:"),
        std::string(good).replace(10, 1, "*"),
        std::string(good).replace(10, 1, "B"),  // The checksum is another's.
        std::string(good).replace(54, 1, "R"),  // The checksum is changed.
        good.substr(0, 10) + good.substr(14),   // Three bytes are missing.
        "DHHC-1:01:iiY=:",
        std::string(kKey512).insert(10, "AAAA"),  // 67 bytes.
    };
    for (const std::string& text : cases) {
        const auto key = AuthenticationKey::parse(text);
        ASSERT_FALSE(key) << text;
        EXPECT_EQ(key.error().code, ErrorCode::InvalidArgument) << text;
        EXPECT_THAT(key.error().message + key.error().hint, Not(HasSubstr(secret))) << text;
    }
}

class KeyFile : public testing::Test {
  protected:
    void write(const std::string& text, mode_t mode) {
        std::ofstream(path_) << text;
        ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    }
    void TearDown() override { ::unlink(path_.c_str()); }

    const std::string path_ = mc::test::temporaryPath("key");
};

TEST_F(KeyFile, IsReadIfNobodyElseCanReadIt) {
    write(std::string(kKey256) + "\n", 0600);
    const auto key = AuthenticationKey::load(path_);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->text(), kKey256);
}

TEST_F(KeyFile, IsRefusedIfOthersCanReadIt) {
    for (const mode_t mode : {0640, 0604, 0644}) {
        write(std::string(kKey256) + "\n", mode);
        const auto key = AuthenticationKey::load(path_);
        ASSERT_FALSE(key) << mode;
        EXPECT_EQ(key.error().code, ErrorCode::Config);
        EXPECT_EQ(key.error().message, path_ + ": others can read this secret");
        EXPECT_EQ(key.error().hint, "chmod 600 " + path_);
    }
}

TEST_F(KeyFile, ThatHoldsNoKeyIsNamed) {
    write("secret\n", 0600);
    const auto key = AuthenticationKey::load(path_);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::Config);
    EXPECT_EQ(key.error().message, path_ + ": authentication key: does not begin with \"DHHC-1:\"");
}

TEST_F(KeyFile, ThatIsMissingIsNamed) {
    const auto key = AuthenticationKey::load(path_);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::NoInput);
}

}  // namespace
}  // namespace mc::nvme
