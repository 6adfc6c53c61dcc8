#include "segment/nvme_transport_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/errors.h"
#include "base/text.h"

namespace mc {
namespace {

using Member = std::string NvmeTransportId::*;

constexpr std::array<std::pair<std::string_view, Member>, 4> kMembers{{{"trtype", &NvmeTransportId::trtype},
                                                                       {"adrfam", &NvmeTransportId::adrfam},
                                                                       {"traddr", &NvmeTransportId::traddr},
                                                                       {"trsvcid", &NvmeTransportId::trsvcid}}};

std::unexpected<Error> wrong(std::string_view problem) {
    return fail(ErrorCode::InvalidArgument, fmt::format("trid: {}", problem),
                "write trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420");
}

std::vector<std::string_view> wordsOf(std::string_view text) {
    std::vector<std::string_view> words;
    constexpr std::string_view kSpace = " \t\r\n";
    for (auto begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;
         begin = text.find_first_not_of(kSpace)) {
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(kSpace), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return words;
}

Result<void> readWord(std::string_view word, NvmeTransportId& trid) {
    auto end = word.find('=');
    if (end == std::string_view::npos) end = word.find(':');
    if (end == std::string_view::npos) return wrong(fmt::format("\"{}\" has no value", printable(word)));
    const std::string_view key = word.substr(0, end);
    const std::string_view value = word.substr(end + 1);
    for (const auto& [name, member] : kMembers) {
        if (name != key) continue;
        if (value.empty()) return wrong(fmt::format("{} has no value", name));
        if (!(trid.*member).empty()) return wrong(fmt::format("{} is there twice", name));
        trid.*member = value;
        return {};
    }
    return wrong(fmt::format("unknown key \"{}\"", printable(key)));
}

Result<void> check(const NvmeTransportId& trid) {
    for (const auto& [name, member] : kMembers) {
        if ((trid.*member).empty()) return wrong(fmt::format("{} is missing", name));
    }
    if (trid.trtype != "tcp") return wrong(fmt::format("trtype {}: this build has tcp", printable(trid.trtype)));
    if (trid.adrfam != "ipv4" && trid.adrfam != "ipv6")
        return wrong(fmt::format("adrfam {} is neither ipv4 nor ipv6", printable(trid.adrfam)));
    if (trid.adrfam == "ipv4" ? isIpv6(trid.traddr) : isIpv4(trid.traddr))
        return wrong(fmt::format("traddr {} is no address of adrfam {}", trid.traddr, trid.adrfam));
    std::uint16_t port = 0;
    const char* const end = trid.trsvcid.data() + trid.trsvcid.size();
    const auto [next, error] = std::from_chars(trid.trsvcid.data(), end, port);
    if (error != std::errc{} || next != end)
        return wrong(fmt::format("trsvcid {} is no port from 0 to 65535", printable(trid.trsvcid)));
    return {};
}

}  // namespace

Result<NvmeTransportId> parseNvmeTransportId(std::string_view text) {
    NvmeTransportId trid;
    for (const std::string_view word : wordsOf(text)) {
        if (auto read = readWord(word, trid); !read) return std::unexpected(read.error());
    }
    trid.trtype = toLower(trid.trtype);
    trid.adrfam = toLower(trid.adrfam);
    if (auto checked = check(trid); !checked) return std::unexpected(checked.error());
    return trid;
}

std::string toString(const NvmeTransportId& trid) {
    return fmt::format("trtype={} adrfam={} traddr={} trsvcid={}", trid.trtype, trid.adrfam, trid.traddr, trid.trsvcid);
}

}  // namespace mc
