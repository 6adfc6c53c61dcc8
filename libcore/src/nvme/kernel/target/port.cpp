#include "nvme/kernel/target/port.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/errors.h"
#include "nvme/kernel/target/subsystem.h"

namespace mc::nvmet {
namespace {

// Far from those that people and other tools take, which begin at 0 or 1 and go up, some of them without a look at what
// is there.
constexpr std::uint16_t kFirstId = 27747;

struct Attribute {
    const char* name;
    std::string PortAddress::* value;
};
constexpr std::array<Attribute, 4> kAttributes{{{"addr_trtype", &PortAddress::trtype},
                                                {"addr_adrfam", &PortAddress::adrfam},
                                                {"addr_traddr", &PortAddress::traddr},
                                                {"addr_trsvcid", &PortAddress::trsvcid}}};

Result<std::uint16_t> makePort(const Tree& tree, Record& record, const PortAddress& address) {
    for (std::uint32_t id = kFirstId; id <= 0xffff; ++id) {
        const auto number = static_cast<std::uint16_t>(id);
        const std::string path = portPath(number);
        if (tree.has(path)) continue;
        if (auto recorded = record.addPort({.id = number, .address = address}); !recorded)
            return std::unexpected(recorded.error());
        const int error = tree.make(path);
        if (error == 0) return number;
        if (auto dropped = record.dropPort(number); !dropped) return std::unexpected(dropped.error());
        if (error != EEXIST) return tree.problem("make", path, error);
    }
    return fail(ErrorCode::CannotCreate, "the kernel's target has no number left for a port");
}

std::unexpected<Error> refusal(const Tree& tree, const std::string& path, const Offer& offer, int number) {
    const PortAddress& address = offer.address;
    const std::string where =
        fmt::format("port {}, {} {} {}", tree.at(path).native(), address.trtype, address.traddr, address.trsvcid);
    if (number == EADDRINUSE) {
        return fail(ErrorCode::CannotCreate, fmt::format("{}: another server or port listens there", where),
                    fmt::format("ss -ltn and {}/*/addr_trsvcid tell which; or give another with {}",
                                tree.at("ports").native(), offer.port_option));
    }
    if (number == EADDRNOTAVAIL || number == ENODEV) {
        const bool rdma = address.trtype == "rdma";
        return fail(ErrorCode::CannotCreate,
                    fmt::format("{}: no {} has this address", where, rdma ? "RDMA device" : "interface"),
                    rdma ? "rdma link and ip address show what there is" : "ip address shows them");
    }
    return std::unexpected(systemError("listen at", where, number));
}

}  // namespace

std::string portPath(std::uint16_t id) {
    return fmt::format("ports/{}", id);
}

std::string offerPath(std::uint16_t id, std::string_view nqn) {
    return fmt::format("{}/subsystems/{}", portPath(id), nqn);
}

Result<std::uint16_t> listen(const Tree& tree, Record& record, const Offer& offer) {
    const auto id = makePort(tree, record, offer.address);
    if (!id) return id;
    const std::string path = portPath(*id);
    for (const Attribute& attribute : kAttributes) {
        if (auto written = tree.write(fmt::format("{}/{}", path, attribute.name), offer.address.*attribute.value);
            !written)
            return std::unexpected(written.error());
    }
    // This is when the kernel binds.
    const int error = tree.link(subsystemPath(offer.nqn), offerPath(*id, offer.nqn));
    if (error != 0) return refusal(tree, path, offer, error);
    return id;
}

bool isOurs(const Tree& tree, const Made::Port& port) {
    return std::ranges::all_of(kAttributes, [&](const Attribute& attribute) {
        // A new one is "pcie".
        if (attribute.value == &PortAddress::adrfam) return true;
        const auto value = tree.read(fmt::format("{}/{}", portPath(port.id), attribute.name));
        return value && (value->empty() || *value == port.address.*attribute.value);
    });
}

}  // namespace mc::nvmet
