#include "common/main.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "mc/version.h"

#include "base/errors.h"
#include "base/log.h"
#include "common/output.h"
#include "mount/fuse_server.h"
#include "nvme/kernel/host/connect.h"
#include "sample_tool.h"
#include "temporary.h"

namespace mc::tools::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Run {
    int code = 0;
    std::string out;
    std::string err;
};

Run run(std::vector<const char*> arguments, const Action& action) {
    arguments.insert(arguments.begin(), "mc-sample");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Run result;
    result.code = runMain(kTool, static_cast<int>(arguments.size()), arguments.data(), action);
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
}

Result<ExitCode> unreachable(const config::Values& /*values*/, StopSignals& /*stop*/) {
    ADD_FAILURE() << "the action must not run";
    return ExitCode::Ok;
}

TEST(RunMain, givesTheActionItsValuesAndReturnsItsCode) {
    const auto result = run({"--count=5"}, [](const config::Values& values, StopSignals& stop) -> Result<ExitCode> {
        EXPECT_EQ(values.integer("count"), 5);
        EXPECT_FALSE(stop.token().stop_requested());
        if (auto written = writeData("counted\n"); !written) return std::unexpected(written.error());
        return ExitCode::Negative;
    });
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.out, "counted\n");
    EXPECT_THAT(result.err, IsEmpty());
}

TEST(RunMain, tellsAnErrorOfTheActionWithItsHint) {
    const auto result = run({}, [](const auto&, auto&) -> Result<ExitCode> {
        return fail(ErrorCode::Unavailable, "connect 127.0.0.1:1: Connection refused", "is the target running?");
    });
    EXPECT_EQ(result.code, 69);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(result.err, "mc-sample: connect 127.0.0.1:1: Connection refused\nhint: is the target running?\n");
}

TEST(RunMain, withJsonAnErrorIsExactlyOneDocument) {
    const auto result = run({"--json"}, [](const auto&, auto&) -> Result<ExitCode> {
        return fail(ErrorCode::BadData, "bytes \xff \"quoted\"");
    });
    EXPECT_EQ(result.code, 65);
    const auto document = json::parse(result.out);
    EXPECT_EQ(document.size(), 2U);
    EXPECT_EQ(document["schema_version"], 1);
    EXPECT_EQ(document["error"]["code"], "bad_data");
    EXPECT_THAT(document["error"]["message"], StartsWith("bytes "));
    EXPECT_EQ(document["error"]["hint"], "");
}

TEST(RunMain, aWrongCommandLineIsAUsageError) {
    const auto result = run({"--cont", "5"}, unreachable);
    EXPECT_EQ(result.code, 64);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(result.err, "mc-sample: unknown option --cont\nhint: did you mean --count?\n");
}

TEST(RunMain, aWrongCommandLineIsADocumentWhereJsonWasAsked) {
    for (const std::vector<const char*>& arguments :
         {std::vector<const char*>{"--json", "--cont"}, {"--cont", "-json"}}) {
        const auto result = run(arguments, unreachable);
        EXPECT_EQ(result.code, 64);
        EXPECT_EQ(json::parse(result.out)["error"]["code"], "invalid_argument");
    }
}

TEST(RunMain, missingAndWrongFilesHaveTheirOwnCodes) {
    EXPECT_EQ(run({"--config=/nonexistent.toml"}, unreachable).code, 66);
    EXPECT_EQ(run({"--config=/dev/zero"}, unreachable).code, 78);
}

TEST(RunMain, helpAndVersionGoToStandardOutput) {
    const auto help = run({"-h"}, unreachable);
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, StartsWith("mc-sample: stand in for a tool\n"));
    const auto text = run({"--version"}, unreachable);
    EXPECT_EQ(text.out, std::string("mc-sample ") + version() + "\nfeatures: tcp nvmeof_generic" +
                            (nvme::kernel::connectByLibnvme() ? " libnvme" : "") +
                            (mount::fuseIsBuiltIn() ? " fuse\n" : "\n"));
    const auto document = json::parse(run({"-V", "--json"}, unreachable).out);
    EXPECT_EQ(document["schema_version"], 1);
    EXPECT_EQ(document["version"], version());
}

TEST(RunMain, printConfigShowsValuesAndOrigins) {
    const auto result = run({"--count=9", "--print-config"}, unreachable);
    EXPECT_EQ(result.code, 0);
    EXPECT_THAT(result.out, StartsWith("count = 9  # flag\nmode = \"fast\"  # default\n"));
    EXPECT_THAT(result.out, Not(HasSubstr("print_config")));
}

TEST(RunMain, printConfigIsADocumentWhereJsonWasAsked) {
    const auto result = run({"--count=9", "--print-config", "--json"}, unreachable);
    EXPECT_EQ(result.code, 0);
    const auto document = json::parse(result.out);
    EXPECT_EQ(document["schema_version"], 1);
    EXPECT_EQ(document["options"]["count"], json({{"value", 9}, {"origin", "flag"}}));
}

TEST(RunMain, aFileThatAsksForJsonGetsItsOwnErrorsAsADocument) {
    const auto path = mc::test::temporaryPath("json.toml");
    std::ofstream(path) << "json = true\ncount = \"many\"\n";
    const auto result = run({"--config", path.c_str()}, unreachable);
    EXPECT_EQ(result.code, 78);
    EXPECT_EQ(json::parse(result.out)["error"]["code"], "config");
}

TEST(RunMain, anExceptionIsADefectAndNotACrash) {
    const auto result = run({}, [](const auto&, auto&) -> Result<ExitCode> { throw std::runtime_error("boom"); });
    EXPECT_EQ(result.code, 70);
    EXPECT_THAT(result.err, HasSubstr("boom"));
}

TEST(RunMain, quietAndVerboseSetTheLogLevel) {
    const auto level = [](bool debug, bool warning) {
        return [=](const auto&, auto&) -> Result<ExitCode> {
            EXPECT_EQ(log::enabled(log::Level::Debug), debug);
            EXPECT_EQ(log::enabled(log::Level::Warning), warning);
            return ExitCode::Ok;
        };
    };
    (void)run({"-v"}, level(true, true));
    (void)run({"-q"}, level(false, false));
    log::setLevel(log::Level::Warning);
}

TEST(RunMain, coloursOnlyWhereAsked) {
    const auto failing = [](const auto&, auto&) -> Result<ExitCode> { return fail(ErrorCode::Io, "broken"); };
    EXPECT_EQ(run({"--color=always"}, failing).err, "\033[1;31mmc-sample:\033[0m broken\n");
    EXPECT_EQ(run({"--color=auto"}, failing).err, "mc-sample: broken\n");
}

}  // namespace
}  // namespace mc::tools::test
