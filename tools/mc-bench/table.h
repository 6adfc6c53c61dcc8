#pragma once

#include <string>

#include "bench/report.h"

namespace mc::bench {

/// The report for people: repeats of a case are summed up as their median and range.
std::string toTable(const Report& report);

}  // namespace mc::bench
