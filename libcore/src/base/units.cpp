#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "base/text.h"

namespace mc {
namespace {

struct SizeUnit {
    std::string_view suffix;
    std::uint64_t bytes;
};

constexpr std::uint64_t kKi = 1024;
constexpr std::array kSizeUnits{
    SizeUnit{"", 1},
    SizeUnit{"b", 1},
    SizeUnit{"k", kKi},
    SizeUnit{"m", kKi* kKi},
    SizeUnit{"g", kKi* kKi* kKi},
    SizeUnit{"t", kKi* kKi* kKi* kKi},
    SizeUnit{"kib", kKi},
    SizeUnit{"mib", kKi* kKi},
    SizeUnit{"gib", kKi* kKi* kKi},
    SizeUnit{"tib", kKi* kKi* kKi* kKi},
    SizeUnit{"kb", 1000},
    SizeUnit{"mb", 1000'000},
    SizeUnit{"gb", 1000'000'000},
    SizeUnit{"tb", 1000'000'000'000},
};

struct DurationUnit {
    std::string_view suffix;
    std::int64_t nanoseconds;
};
constexpr std::array kDurationUnits{
    DurationUnit{"h", 3'600'000'000'000}, DurationUnit{"m", 60'000'000'000}, DurationUnit{"s", 1'000'000'000},
    DurationUnit{"ms", 1'000'000},        DurationUnit{"us", 1'000},         DurationUnit{"ns", 1},
};

}  // namespace

Result<std::uint64_t> parseSize(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(ErrorCode::InvalidArgument, fmt::format("size \"{}\" {}", text, why),
                    "sizes look like 4096, 64k, 4KiB, 1GiB, 1GB");
    };
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) return bad("is too large");
    if (error != std::errc{}) return bad("is not a number");
    const std::string suffix = toLower(text.substr(static_cast<std::size_t>(end - text.data())));
    for (const auto& unit : kSizeUnits) {
        if (unit.suffix != suffix) continue;
        if (number > std::numeric_limits<std::uint64_t>::max() / unit.bytes) return bad("is too large");
        return number * unit.bytes;
    }
    return bad("has an unknown unit");
}

std::string formatSize(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> kNames{"", "KiB", "MiB", "GiB", "TiB"};
    std::size_t name = 0;
    while (bytes != 0 && bytes % kKi == 0 && name + 1 < kNames.size()) {
        bytes /= kKi;
        ++name;
    }
    return fmt::format("{}{}", bytes, kNames[name]);
}

Result<std::chrono::nanoseconds> parseDuration(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return fail(ErrorCode::InvalidArgument, fmt::format("duration \"{}\" {}", text, why),
                    "durations look like 10, 10s, 500ms, 1.5s, 2m");
    };
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number)) return bad("is not a number");
    if (number < 0) return bad("is negative");
    std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
    if (suffix.empty()) suffix = "s";
    for (const auto& unit : kDurationUnits) {
        if (unit.suffix != suffix) continue;
        const double total = number * static_cast<double>(unit.nanoseconds);
        if (total > 9.2e18) return bad("is too long");
        return std::chrono::nanoseconds(std::llround(total));
    }
    return bad("has an unknown unit");
}

std::string formatDuration(std::chrono::nanoseconds duration) {
    const auto count = duration.count();
    if (count == 0) return "0s";
    // Seconds up to minutes read better than mixed forms; anything finer falls to the next unit.
    for (const auto& unit : kDurationUnits) {
        if (unit.nanoseconds <= 1'000'000'000 && count % unit.nanoseconds == 0) {
            return fmt::format("{}{}", count / unit.nanoseconds, unit.suffix);
        }
    }
    return fmt::format("{}ns", count);
}

}  // namespace mc
