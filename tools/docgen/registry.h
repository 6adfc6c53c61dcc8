#pragma once

#include <span>

#include "config/option.h"

namespace mc::tools {

/// Every tool that has a manual page and completions.
std::span<const config::Tool* const> documentedTools();

}  // namespace mc::tools
