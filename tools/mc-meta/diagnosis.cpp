#include "mc-meta/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "base/address.h"
#include "base/text.h"
#include "common/shell.h"
#include "mc-meta/options.h"

namespace mc::meta {

metadata::HandshakeCallOptions probeOptions(const config::Values& values) {
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(values.duration("probe-timeout"));
    return {.connect_timeout = timeout, .reply_timeout = timeout};
}

std::string nextCommand(const config::Values& values, std::string_view verb, std::string_view argument) {
    std::string command = fmt::format("mc-meta {}", verb);
    const config::Tool& tool = metaTool();
    const auto known = config::optionsOf(tool, config::findCommand(tool, verb.substr(0, verb.find(' '))));
    for (const auto& entry : values.entries()) {
        const config::Option& option = *entry.option;
        const bool where = option.group == "Metadata server" || option.config_file;
        if (!where || option.secret || option.type != config::Type::Text) continue;
        if (entry.origin.source != config::Origin::Source::Flag) continue;
        if (std::ranges::find(known, option.name, [](const auto* each) { return each->name; }) == known.end()) continue;
        const std::string value = withoutCredentials(values.text(option.name));
        command += fmt::format(" --{}={}", option.name, tools::shellQuoted(value));
    }
    if (argument.empty()) return command;
    return fmt::format("{} {}{}", command, argument.starts_with('-') ? "-- " : "", tools::shellQuoted(argument));
}

std::string utcTime(const char* format) {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

bool isHere(std::string_view url) {
    std::string members(url);
    std::ranges::replace(members, ';', ',');
    return !url.empty() && std::ranges::all_of(split(members, ','), [](std::string_view member) {
        if (const auto scheme = member.rfind("://"); scheme != std::string_view::npos) member.remove_prefix(scheme + 3);
        member = member.substr(0, member.find('/'));
        if (const auto user = member.rfind('@'); user != std::string_view::npos) member.remove_prefix(user + 1);
        const auto address = parseHostPort(member);
        return address && isLoopbackHost(address->host);
    });
}

bool loopbackIsHere(const config::Values& values) {
    return values.flag("loopback-is-here") || isHere(values.text("metadata-server"));
}

}  // namespace mc::meta
