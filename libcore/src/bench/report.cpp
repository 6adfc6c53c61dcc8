#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/errors.h"

namespace mc::bench {

void explainFailures(const PeerInfo& peer, std::vector<CaseResult>& results) {
    for (CaseResult& result : results) {
        if (!result.failure || !result.failure->request) continue;
        Error& error = result.failure->error;
        if (peer.refusal) {
            error = *peer.refusal;
        } else if (peer.problem) {
            error.message += ": " + peer.problem->message;
            const bool lost = peer.problem->code == ErrorCode::Unavailable;
            if (lost && error.code == ErrorCode::Negative) error.code = ErrorCode::Unavailable;
            if (!peer.problem->hint.empty()) error.hint = peer.problem->hint;
        }
    }
}

std::optional<Error> judge(const std::vector<CaseResult>& results) {
    Verification all;
    for (const auto& result : results) {
        if (result.verification) all.merge(*result.verification);
    }
    if (all.mismatched_blocks > 0) {
        return Error{
            ErrorCode::Negative,
            fmt::format("verification: {} of {} blocks were wrong; the first ({}) at offset {}", all.mismatched_blocks,
                        all.blocks, toString(all.examples.front().mismatch.kind), all.examples.front().mismatch.offset),
            "no other program may write to the target's segment during the run"};
    }
    const auto failed = std::ranges::find_if(results, [](const auto& result) { return result.failure.has_value(); });
    if (failed != results.end()) return failed->failure->error;
    return std::nullopt;
}

Result<ReportUnit> parseReportUnit(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, double>, 9> kUnits{{{"GB", 1e9},
                                                                         {"GiB", 1024.0 * 1024 * 1024},
                                                                         {"Gb", 1e9 / 8},
                                                                         {"MB", 1e6},
                                                                         {"MiB", 1024.0 * 1024},
                                                                         {"Mb", 1e6 / 8},
                                                                         {"KB", 1e3},
                                                                         {"KiB", 1024.0},
                                                                         {"Kb", 1e3 / 8}}};
    for (const auto& [name, bytes] : kUnits) {
        if (name == word) return ReportUnit{std::string(name), bytes};
    }
    return fail(ErrorCode::InvalidArgument,
                fmt::format("report_unit \"{}\" is not one of GB, GiB, Gb, MB, MiB, Mb, KB, KiB, Kb", word));
}

std::string stockLine(const CaseResult& result, const ReportUnit& unit, unsigned precision) {
    const double seconds = std::chrono::duration<double>(result.duration).count();
    const double rate = seconds > 0 ? static_cast<double>(result.counts.bytes()) / seconds / unit.bytes : 0;
    return fmt::format("Test completed: duration {:.2f}, batch count {}, throughput {:.{}f} {}/s", seconds,
                       result.counts.batches, rate, precision, unit.name);
}

}  // namespace mc::bench
