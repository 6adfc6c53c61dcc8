#include "bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/sample_report.h"

namespace mc::bench {
namespace {

using nlohmann::json;
using test::report;
using test::wrong;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(Report, JsonIsOneDocumentWithUnitsInItsNames) {
    const auto document = json::parse(toJson(report()));
    EXPECT_EQ(document["schema_version"], 1);
    EXPECT_EQ(document["status"], "ok");
    EXPECT_TRUE(document["error"].is_null());
    EXPECT_EQ(document["peer"]["congestion_control"], "cubic");
    EXPECT_EQ(document["peer"]["initiator"], "kernel");
    EXPECT_EQ(document["peer"]["page_cache"], true);
    EXPECT_EQ(document["parameters"]["options"]["block_size"], "64KiB");
    ASSERT_EQ(document["results"].size(), 4);
    const auto& first = document["results"][0];
    EXPECT_EQ(first["operation"], "write");
    EXPECT_EQ(first["block_size_bytes"], 65536);
    EXPECT_EQ(first["write_bytes"], 4'000'000'000);
    EXPECT_DOUBLE_EQ(first["throughput_gb_per_s"], 2.0);
    EXPECT_DOUBLE_EQ(first["requests_per_s"], 500.0);
    EXPECT_DOUBLE_EQ(first["cpu_seconds_per_gb"], 0.25);
    EXPECT_DOUBLE_EQ(first["request_latency_us"]["max"], 100.0);
    EXPECT_NEAR(first["batch_latency_us"]["p99_9"].get<double>(), 100.0, 1.0);
    EXPECT_EQ(first["acknowledgement"], "acknowledged");
    EXPECT_TRUE(first["verification"].is_null());
}

TEST(Report, JsonWithoutResultsStillSaysWhy) {
    Report failed;
    failed.error = Error{ErrorCode::Unavailable, "connect to 127.0.0.1:1: Connection refused", "is it running?"};
    const auto document = json::parse(toJson(failed));
    EXPECT_EQ(document["schema_version"], 1);
    EXPECT_EQ(document["status"], "failed");
    EXPECT_EQ(document["results"], json::array());
    EXPECT_EQ(document["error"]["code"], "unavailable");
    EXPECT_EQ(document["error"]["hint"], "is it running?");
}

TEST(Report, JsonTellsWhatWasWrong) {
    Report bad = report();
    bad.results[0].verification = wrong();
    bad.results[1].failure = RunFailure{{ErrorCode::Negative, "write failed", ""},
                                        RequestFailure{.status = TaskStatus::FAILED, .length = 4096}};
    const auto document = json::parse(toJson(bad));
    const auto& verification = document["results"][0]["verification"];
    EXPECT_EQ(verification["blocks_verified"], 10);
    EXPECT_EQ(verification["mismatched_blocks"], 1);
    EXPECT_EQ(verification["mismatched_blocks_by_kind"]["stale"], 1);
    EXPECT_EQ(verification["mismatched_blocks_by_kind"]["corrupt"], 0);
    EXPECT_EQ(verification["first_mismatches"][0]["found_word"], "0x0000000000000def");
    EXPECT_EQ(verification["first_mismatches"][0]["found_pass"], 6);
    EXPECT_EQ(document["results"][1]["failure"]["request"]["status"], "FAILED");
}

TEST(Report, AFailedRequestTellsHowItsPeerWasLost) {
    const RunFailure failure{{ErrorCode::Negative, "read: FAILED", "is it running?"}, RequestFailure{}};
    Report lost = report();
    lost.results[1].failure = failure;
    lost.results[2].failure = RunFailure{{ErrorCode::TimedOut, "a batch has not ended", ""}, std::nullopt};
    explainFailures(lost.peer, lost.results);
    EXPECT_EQ(judge(lost.results)->message, "read: FAILED");
    lost.peer.problem = Error{ErrorCode::Unavailable, "connect to 127.0.0.1:1: Connection refused", {}};
    explainFailures(lost.peer, lost.results);
    const auto document = json::parse(toJson(lost));
    EXPECT_EQ(document["results"][1]["failure"]["message"], "read: FAILED: connect to 127.0.0.1:1: Connection refused");
    EXPECT_EQ(document["results"][1]["failure"]["hint"], "is it running?");
    EXPECT_EQ(document["results"][2]["failure"]["message"], "a batch has not ended");
    lost.peer.refusal = Error{ErrorCode::NotPermitted, "host X: is not let in", {}};
    explainFailures(lost.peer, lost.results);
    EXPECT_EQ(judge(lost.results)->code, ErrorCode::NotPermitted);
}

TEST(Report, JsonSurvivesNamesThatAreNotUtf8) {
    Report odd;
    odd.environment.command_line = "mc-bench --config \xff\xfe";
    EXPECT_TRUE(json::accept(toJson(odd)));
}

TEST(Report, CsvHasARowForEachResultAsWideAsItsHeader) {
    const std::string csv = toCsv(report());
    EXPECT_EQ(std::ranges::count(csv, '\n'), 5);
    const auto header = csv.substr(0, csv.find('\n'));
    const auto row = csv.substr(header.size() + 1, csv.find('\n', header.size() + 1) - header.size() - 1);
    EXPECT_EQ(std::ranges::count(header, ','), std::ranges::count(row, ','));
    EXPECT_THAT(row, HasSubstr("write,65536,10,4,1,2.000000,100,1000,0,4000000000,2.000000,500.000,0.250000,"));
}

TEST(Report, WrongDataWeighsMoreThanAFailure) {
    auto results = report().results;
    EXPECT_FALSE(judge(results));
    results[0].failure = RunFailure{{ErrorCode::TimedOut, "timed out", ""}, {}};
    EXPECT_EQ(judge(results)->code, ErrorCode::TimedOut);
    results[1].verification = wrong();
    EXPECT_EQ(judge(results)->code, ErrorCode::Negative);
    EXPECT_THAT(judge(results)->message, HasSubstr("1 of 10 blocks were wrong; the first (stale) at offset 4096"));
}

TEST(StockLine, IsThatOfTheStockBenchmark) {
    CaseResult measured;
    measured.duration = 10'010ms;
    measured.counts.batches = 12375;
    measured.counts.read_bytes = 12375ULL * 128 * 65536;
    EXPECT_EQ(stockLine(measured, {}, 2), "Test completed: duration 10.01, batch count 12375, throughput 10.37 GB/s");
    EXPECT_EQ(stockLine(measured, *parseReportUnit("Gb"), 0),
              "Test completed: duration 10.01, batch count 12375, throughput 83 Gb/s");
}

TEST(StockLine, KnowsTheNineUnits) {
    for (const char* unit : {"GB", "GiB", "Gb", "MB", "MiB", "Mb", "KB", "KiB", "Kb"}) {
        EXPECT_EQ(parseReportUnit(unit)->name, unit);
    }
    EXPECT_DOUBLE_EQ(parseReportUnit("MiB")->bytes, 1048576);
    EXPECT_THAT(parseReportUnit("TB").error().message, HasSubstr("\"TB\" is not one of"));
}

}  // namespace
}  // namespace mc::bench
