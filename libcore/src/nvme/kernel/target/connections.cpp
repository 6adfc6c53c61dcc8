#include "nvme/kernel/target/connections.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace mc::nvmet {
namespace {

constexpr std::string_view kEstablished = "01";

// "0100007F:1144": the address in words of 32 bits as the processor has them. Empty for an address that is none.
std::string addressInList(const PortAddress& address) {
    const bool v6 = address.adrfam == "ipv6";
    std::array<std::uint32_t, 4> words{};
    std::uint16_t port = 0;
    const std::string& service = address.trsvcid;
    const std::string host = address.traddr.substr(0, address.traddr.find('%'));  // Without the interface.
    if (::inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), words.data()) != 1) return {};
    if (std::from_chars(service.data(), service.data() + service.size(), port).ec != std::errc{}) return {};
    std::string text;
    for (std::size_t i = 0; i < (v6 ? words.size() : 1); ++i)
        text += fmt::format("{:08X}", words[i]);
    return text + fmt::format(":{:04X}", port);
}

}  // namespace

std::uint64_t countConnections(const PortAddress& address, const std::filesystem::path& proc_net) {
    const std::string wanted = addressInList(address);
    const auto colon = wanted.find(':');
    const bool any_address = wanted.find_first_not_of('0') >= colon;
    std::ifstream list(proc_net / (address.adrfam == "ipv6" ? "tcp6" : "tcp"));
    std::uint64_t count = 0;
    for (std::string line; colon != std::string::npos && std::getline(list, line);) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        words >> number >> local >> remote >> state;
        const bool here = any_address ? local.ends_with(wanted.substr(colon)) : local == wanted;
        if (here && state == kEstablished) ++count;
    }
    return count;
}

}  // namespace mc::nvmet
