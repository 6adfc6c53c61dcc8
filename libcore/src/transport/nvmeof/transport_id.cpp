#include "transport/nvmeof/transport_id.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "base/errors.h"
#include "base/text.h"

namespace mc::nvmeof {
namespace {

struct Key {
    std::string_view name;
    std::string NvmeTransportId::* value;
};
constexpr std::array<Key, 4> kKeys{{{"trtype", &NvmeTransportId::trtype},
                                    {"adrfam", &NvmeTransportId::adrfam},
                                    {"traddr", &NvmeTransportId::traddr},
                                    {"trsvcid", &NvmeTransportId::trsvcid}}};
constexpr const char* kExample = "for example: trtype=tcp adrfam=ipv4 traddr=10.0.0.2 trsvcid=4420";

std::unexpected<Error> wrong(std::string_view text, std::string_view what) {
    return fail(ErrorCode::InvalidArgument, fmt::format("transport id \"{}\": {}", printable(text), what), kExample);
}

Result<void> readWord(std::string_view text, std::string_view word, NvmeTransportId& id) {
    std::size_t separator = word.find('=');
    if (separator == std::string_view::npos) separator = word.find(':');
    if (separator == std::string_view::npos) return wrong(text, fmt::format("{}: no value", printable(word)));
    const std::string_view name = word.substr(0, separator);
    const std::string_view value = word.substr(separator + 1);
    for (const Key& key : kKeys) {
        if (key.name != name) continue;
        if (value.empty()) return wrong(text, fmt::format("{}: no value", name));
        if (!(id.*key.value).empty()) return wrong(text, fmt::format("{}: given twice", name));
        id.*key.value = value;
        return {};
    }
    return wrong(text, fmt::format("{}: no such key", printable(name)));
}

}  // namespace

Result<NvmeTransportId> parseTransportId(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    NvmeTransportId id;
    for (std::size_t begin = text.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
        if (auto read = readWord(text, text.substr(begin, end - begin), id); !read)
            return std::unexpected(read.error());
        begin = text.find_first_not_of(kBlanks, end);
    }
    for (const Key& key : kKeys) {
        if ((id.*key.value).empty()) return wrong(text, fmt::format("{}: missing", key.name));
    }
    return id;
}

std::string formatTransportId(const NvmeTransportId& id) {
    return fmt::format("trtype={} adrfam={} traddr={} trsvcid={}", id.trtype, id.adrfam, id.traddr, id.trsvcid);
}

Result<std::vector<io::SocketAddress>> socketAddresses(const NvmeTransportId& id) {
    if (toLower(id.trtype) != "tcp") {
        return fail(ErrorCode::Unsupported, fmt::format("trtype {}: this build has tcp", printable(id.trtype)));
    }
    return ipAddresses(id);
}

Result<std::vector<io::SocketAddress>> ipAddresses(const NvmeTransportId& id) {
    const std::string family_name = toLower(id.adrfam);
    std::optional<io::AddressFamily> family;
    if (family_name == "ipv4") family = io::AddressFamily::V4;
    if (family_name == "ipv6") family = io::AddressFamily::V6;
    if (!family) {
        return fail(ErrorCode::InvalidArgument, fmt::format("adrfam {}: not ipv4 or ipv6", printable(id.adrfam)));
    }
    std::uint16_t port = 0;
    const char* const end = id.trsvcid.data() + id.trsvcid.size();
    if (const auto read = std::from_chars(id.trsvcid.data(), end, port); read.ptr != end || read.ec != std::errc{}) {
        return fail(ErrorCode::InvalidArgument, fmt::format("trsvcid {}: not a port", printable(id.trsvcid)));
    }
    if (id.traddr.empty()) return fail(ErrorCode::InvalidArgument, "traddr: empty");
    auto addresses = io::resolve(id.traddr, port, *family);
    if (!addresses) return std::unexpected(wrap("traddr", addresses.error()));
    return addresses;
}

}  // namespace mc::nvmeof
