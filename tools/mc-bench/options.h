#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mc/engine_options.h"
#include "mc/error.h"

#include "bench/report.h"
#include "bench/workload.h"
#include "config/option.h"
#include "config/values.h"
#include "control/file_request.h"

namespace mc::bench {

/// mc-bench's options, help and examples.
const config::Tool& benchTool();

/// How results are written to stdout.
enum class Format { Table, Json, Csv };

/// What the options of one call say.
struct Settings {
    std::string mode;
    std::string metadata_server;
    std::string local_server_name;
    bool unnamed = false;  ///< The name was not asked for: only its host counts.
    std::string segment_id;
    std::string protocol;
    Workload workload;
    bool access_by_segment = true;            ///< The workload's access is that which suits the segment.
    std::vector<control::FileRequest> files;  ///< What a target serves; none: memory.
    std::string files_address;                ///< Where, as TransferEngine::installTransport takes it.
    std::uint64_t buffer_size = 0;            ///< Of each of a target's buffers; never less than the next.
    std::uint64_t largest_span = 0;           ///< What the largest case needs.
    bool buffer_raised = false;               ///< A size was asked for that is less than that.
    ReportUnit report_unit;
    unsigned report_precision = 2;
    Format format = Format::Table;
    bool quiet = false;
    EngineOptions engine;
    std::vector<std::pair<std::string, std::string>> options;  ///< All of them, as text.
};

/// An error names the option and where its value came from.
Result<Settings> settingsFrom(const config::Values& values);

}  // namespace mc::bench
