#include "base/log.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string>

#include "base/errors.h"

namespace mc::log {
namespace {

spdlog::level::level_enum toSpdlog(Level level) {
    switch (level) {
        case Level::Trace:
            return spdlog::level::trace;
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Info:
            return spdlog::level::info;
        case Level::Warning:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
        case Level::Off:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

// spdlog's own default logger writes to stdout, which belongs to data.
spdlog::logger& logger() {
    static const auto instance = [] {
        const bool plain = std::getenv("NO_COLOR") != nullptr;  // NOLINT(concurrency-mt-unsafe): read only
        auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(plain ? spdlog::color_mode::never
                                                                                    : spdlog::color_mode::automatic);
        auto made = std::make_shared<spdlog::logger>("mc", std::move(sink));
        made->set_pattern("%Y-%m-%d %H:%M:%S.%f %^%l%$ %v");
        made->set_level(spdlog::level::warn);
        return made;
    }();
    return *instance;
}

}  // namespace

Result<Level> parseLevel(std::string_view word) {
    std::string lower(word);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::array<std::pair<std::string_view, Level>, 7> kLevels{{{"trace", Level::Trace},
                                                                         {"debug", Level::Debug},
                                                                         {"info", Level::Info},
                                                                         {"warning", Level::Warning},
                                                                         {"warn", Level::Warning},
                                                                         {"error", Level::Error},
                                                                         {"off", Level::Off}}};
    for (const auto& [name, level] : kLevels) {
        if (name == lower) return level;
    }
    return fail(ErrorCode::Config,
                fmt::format("log level \"{}\" is not one of trace, debug, info, warning, error, off", word));
}

void setLevel(Level level) {
    logger().set_level(toSpdlog(level));
}

bool enabled(Level level) {
    return logger().should_log(toSpdlog(level));
}

void write(Level level, std::string_view message) {
    logger().log(toSpdlog(level), "{}", message);
}

}  // namespace mc::log
