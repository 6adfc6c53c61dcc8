#include "segment/timestamp.h"

#include <fmt/format.h>

#include <ctime>

namespace mc {

std::string formatTimestamp(std::chrono::system_clock::time_point time) {
    using std::chrono::microseconds;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);  // Not toward zero: before 1970, too.
    const auto fraction = std::chrono::duration_cast<microseconds>(time - seconds).count();
    const std::time_t now = std::chrono::system_clock::to_time_t(seconds);
    std::tm local{};
    ::localtime_r(&now, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", local.tm_year + 1900, local.tm_mon + 1,
                       local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, fraction);
}

std::optional<std::chrono::system_clock::time_point> parseTimestamp(const std::string& text) {
    std::tm local{};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &local);
    if (rest == nullptr || (*rest != '\0' && *rest != '.')) return std::nullopt;
    local.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&local);  // NOLINT(concurrency-mt-unsafe): nothing changes the time zone
    if (seconds == -1) return std::nullopt;
    return std::chrono::system_clock::from_time_t(seconds);
}

}  // namespace mc
