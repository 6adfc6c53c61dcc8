#include "control/host_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "nvme/auth/key.h"
#include "nvme/nqn.h"

namespace mc::control {
namespace {

constexpr std::size_t kLongestFile = 16 << 20;

std::vector<std::string> wordsOf(std::string_view line) {
    std::vector<std::string> words;
    constexpr std::string_view kSpace = " \t\r";
    for (auto begin = line.find_first_not_of(kSpace); begin != std::string_view::npos;
         begin = line.find_first_not_of(kSpace)) {
        line.remove_prefix(begin);
        const auto end = std::min(line.find_first_of(kSpace), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

Result<NvmeofHost> readLine(const std::vector<std::string>& words) {
    if (words.size() < 2 || words.size() > 3) {
        return fail(ErrorCode::Config, fmt::format("has {} words", words.size()),
                    "write HOSTNQN KEY, or HOSTNQN KEY CONTROLLER-KEY; who needs no key is for --allow-host");
    }
    // Not told what it is: it may be a key.
    if (auto named = nvme::checkNqn(words[0]); !named)
        return fail(ErrorCode::Config, "its first word is no NVMe qualified name", named.error().hint);
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (auto key = nvme::AuthenticationKey::parse(words[i]); !key)
            return std::unexpected(wrap(i == 1 ? "the host's" : "the controller's", key.error()));
    }
    return NvmeofHost{.nqn = words[0], .key = words[1], .controller_key = words.size() == 3 ? words[2] : std::string()};
}

}  // namespace

Result<std::vector<NvmeofHost>> readHostKeys(const std::string& path) {
    const auto text = readSecretText(path, kLongestFile);
    if (!text) return std::unexpected(text.error());
    std::vector<NvmeofHost> hosts;
    std::size_t number = 0;
    for (const std::string& line : split(*text, '\n')) {
        ++number;
        const auto words = wordsOf(line);
        if (words.empty() || words.front().starts_with('#')) continue;
        auto host = readLine(words);
        if (host && std::ranges::find(hosts, host->nqn, &NvmeofHost::nqn) != hosts.end())
            host = fail(ErrorCode::Config, fmt::format("{} is there twice", host->nqn));
        if (!host) {
            Error error = wrap(fmt::format("{}:{}", path, number), host.error());
            error.code = ErrorCode::Config;
            return std::unexpected(std::move(error));
        }
        hosts.push_back(std::move(*host));
    }
    if (hosts.empty()) return fail(ErrorCode::Config, path + ": names no host", "write a line HOSTNQN KEY for each");
    return hosts;
}

}  // namespace mc::control
