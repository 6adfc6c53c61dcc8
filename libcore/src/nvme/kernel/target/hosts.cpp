#include "nvme/kernel/target/hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/errors.h"
#include "base/log.h"
#include "nvme/kernel/target/prerequisites.h"
#include "nvme/kernel/target/subsystem.h"

namespace mc::nvmet {
namespace {

// What costs least of what keeps a recorded handshake from being tried against guesses, as our own target does
// (AuthenticationPolicy).
constexpr const char* kGroup = "ffdhe2048";

// The same text may be there with and without its last colon.
std::string_view keyText(std::string_view key) {
    return key.substr(0, key.find_last_not_of(": \n") + 1);
}

bool hasKey(const Tree& tree, const std::string& attribute, const std::string& key) {
    const auto there = tree.read(attribute);
    return there ? keyText(*there) == keyText(key) : key.empty();
}

// Another target of ours has made it: who ends last removes it.
bool isInARecord(const Record& own, const std::string& nqn) {
    return std::ranges::any_of(Record::list(own.path().parent_path()), [&](const std::filesystem::path& path) {
        const Made made = Record::read(path);
        return std::ranges::find(made.hosts, nqn) != made.hosts.end();
    });
}

Result<void> writeKeys(const Tree& tree, const std::string& path, const nvme::AllowedHost& host,
                       std::string_view backend_option) {
    if (host.key.empty()) return {};
    if (!tree.has(path + "/dhchap_key")) return std::unexpected(toError({withoutAuthentication(backend_option)}));
    if (auto written = tree.writeSecret(path + "/dhchap_key", host.key); !written) return written;
    if (!host.controller_key.empty()) {
        if (auto written = tree.writeSecret(path + "/dhchap_ctrl_key", host.controller_key); !written) return written;
    }
    // Of a kernel without Diffie-Hellman there is a handshake that has none.
    if (auto grouped = tree.write(path + "/dhchap_dhgroup", kGroup); !grouped)
        log::warning("{}: authenticates without Diffie-Hellman: {}", path, grouped.error().message);
    return {};
}

Result<void> expectSame(const Tree& tree, const std::string& path, const nvme::AllowedHost& host) {
    if (hasKey(tree, path + "/dhchap_key", host.key) && hasKey(tree, path + "/dhchap_ctrl_key", host.controller_key))
        return {};
    return fail(
        ErrorCode::AlreadyExists,
        fmt::format("{}: is there already, with other keys, which hold for all subsystems", tree.at(path).native()),
        "give the same keys (--host-keys), or have whoever made it remove it");
}

}  // namespace

std::string hostPath(std::string_view nqn) {
    return fmt::format("hosts/{}", nqn);
}

Result<void> allowHost(const Tree& tree, Record& record, const nvme::AllowedHost& host,
                       std::string_view backend_option) {
    const std::string path = hostPath(host.nqn);
    const bool there = tree.has(path);
    if (there) {
        if (auto same = expectSame(tree, path, host); !same) return same;
    }
    if (!there || isInARecord(record, host.nqn)) {
        if (auto recorded = record.addHost(host.nqn); !recorded) return recorded;
    }
    if (!there) {
        if (const int error = tree.make(path); error != 0) {
            // Somebody else's, perhaps, who was faster.
            if (auto dropped = record.dropHost(host.nqn); !dropped) return dropped;
            return tree.problem("make", path, error);
        }
        if (auto written = writeKeys(tree, path, host, backend_option); !written) return written;
    }
    if (auto recorded = record.addAllowed(host.nqn); !recorded) return recorded;
    const std::string link = fmt::format("{}/allowed_hosts/{}", subsystemPath(record.made().nqn), host.nqn);
    const int error = tree.link(path, link);
    return error == 0 ? Result<void>() : tree.problem("link", link, error);
}

}  // namespace mc::nvmet
