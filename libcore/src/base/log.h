#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "mc/error.h"

/// Diagnostics on stderr. Never on a hot path, never secrets.
namespace mc::log {

enum class Level { Trace, Debug, Info, Warning, Error, Off };

/// Accepts the words of MC_LOG_LEVEL, in any case.
Result<Level> parseLevel(std::string_view word);
void setLevel(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::Debug)) write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::Info)) write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::Warning)) write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::Error)) write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace mc::log
