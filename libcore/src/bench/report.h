#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mc/engine.h"
#include "mc/error.h"

#include "bench/environment.h"
#include "bench/result.h"
#include "bench/workload.h"

namespace mc::bench {

/// Everything that is known about a run. Without results it is still a report: of why there are none.
struct Report {
    std::string mode;      ///< "initiator" or "loopback".
    std::string segment;   ///< Name of the far side's segment.
    std::string protocol;  ///< "tcp"
    Workload workload;
    std::vector<std::pair<std::string, std::string>> options;  ///< Every option of the tool as in effect.
    Environment environment;
    PeerInfo peer;
    std::vector<CaseResult> results;  ///< In the order in which they ran.
    bool interrupted = false;
    std::optional<Error> error;
};

/// Tells why requests have failed, which say only that: why the peer lets nobody in, or how it was lost.
void explainFailures(const PeerInfo& peer, std::vector<CaseResult>& results);

/// What is wrong with the results, if anything: wrong data first, then the failure that ended the run.
std::optional<Error> judge(const std::vector<CaseResult>& results);

/// One document, with its schema_version, and a newline.
std::string toJson(const Report& report);
/// A header and a row for each result.
std::string toCsv(const Report& report);

/// A unit of --report_unit: GB, GiB, Gb, MB, MiB, Mb, KB, KiB, Kb.
struct ReportUnit {
    std::string name = "GB";
    double bytes = 1e9;
};
Result<ReportUnit> parseReportUnit(std::string_view word);

/// "Test completed: duration 10.01, batch count 12375, throughput 10.37 GB/s": the line that scripts around Mooncake's
/// transfer_engine_bench look for.
std::string stockLine(const CaseResult& result, const ReportUnit& unit, unsigned precision);

}  // namespace mc::bench
