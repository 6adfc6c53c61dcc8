#pragma once

#include "common/common_options.h"

namespace mc::tools::test {

inline constexpr config::Option kOptions[] = {
    {.name = "count", .type = config::Type::Integer, .min = "1", .fallback = "3", .summary = "how many"},
    {.name = "mode", .type = config::Type::Choice, .choices = {"fast", "slow"}, .fallback = "fast", .summary = "how"},
};

inline constexpr config::Tool kTool{.main = {
                                        .name = "mc-sample",
                                        .summary = "stand in for a tool",
                                        .description = "It counts.",
                                        .examples = {{"Count", "mc-sample"}, {"Count less", "mc-sample --count 1"}},
                                        .options = {kOptions, kCommonOptions},
                                    }};

}  // namespace mc::tools::test
