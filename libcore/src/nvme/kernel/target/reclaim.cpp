#include "nvme/kernel/target/reclaim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "nvme/kernel/target/hosts.h"
#include "nvme/kernel/target/namespace.h"
#include "nvme/kernel/target/port.h"
#include "nvme/kernel/target/subsystem.h"

namespace mc::nvmet {
namespace {

class Demolition {
  public:
    Demolition(const Tree& tree, const Made& made) : tree_(tree), made_(made) {}

    // Whoever is connected is cut off by it.
    void closePorts() {
        for (const Made::Port& port : made_.ports) {
            if (isOurs(tree_, port)) expect(tree_.unlink(offerPath(port.id, made_.nqn)), offerPath(port.id, made_.nqn));
        }
    }
    void removeSubsystem() {
        const std::string path = subsystemPath(made_.nqn);
        if (made_.nqn.empty() || !tree_.has(path) || !isOurs(tree_, made_)) return;
        for (const std::uint32_t nsid : made_.namespaces) {
            const std::string each = namespacePath(made_.nqn, nsid);
            expect(tree_.remove(each), each);
        }
        for (const std::string& host : made_.allowed) {
            const std::string link = fmt::format("{}/allowed_hosts/{}", path, host);
            expect(tree_.unlink(link), link);
        }
        expect(tree_.remove(path), path);
    }
    // A port on which others offer something by now is theirs, too.
    void removePorts() {
        for (const Made::Port& port : made_.ports) {
            const std::string path = portPath(port.id);
            if (isOurs(tree_, port) && tree_.list(path + "/subsystems").empty()) expect(tree_.remove(path), path);
        }
    }
    // The kernel keeps those that others use.
    void removeHosts() {
        for (const std::string& host : made_.hosts) {
            if (const int error = tree_.remove(hostPath(host)); error != EBUSY) expect(error, hostPath(host));
        }
    }
    Result<void> result() {
        if (left_.empty()) return {};
        return fail(ErrorCode::Busy, fmt::format("stays in the kernel's target: {}", join(left_, "; ")),
                    "somebody else has built upon it: remove that first");
    }

  private:
    void expect(int error, const std::string& path) {
        if (error != 0 && error != ENOENT) left_.push_back(tree_.problem("remove", path, error).error().message);
    }

    const Tree& tree_;
    const Made& made_;
    std::vector<std::string> left_;
};

template <typename Visit>
void forEachLeft(const std::filesystem::path& records, Visit visit) {
    for (const std::filesystem::path& path : Record::list(records)) {
        const auto record = Record::open(path);
        if (!record) {
            log::warning("{}", record.error().message);
        } else if (*record) {
            visit(**record);
        }
    }
}

}  // namespace

Result<void> takeDown(const Tree& tree, const Made& made) {
    Demolition demolition(tree, made);
    demolition.closePorts();
    demolition.removeSubsystem();
    demolition.removePorts();
    demolition.removeHosts();
    return demolition.result();
}

std::vector<Made> findLeftovers(const std::filesystem::path& records) {
    std::vector<Made> left;
    forEachLeft(records, [&](const Record& record) {
        if (!record.made().isNothing()) left.push_back(record.made());
    });
    return left;
}

std::vector<Reclaimed> reclaim(const Tree& tree, const std::filesystem::path& records) {
    std::vector<Reclaimed> reclaimed;
    forEachLeft(records, [&](const Record& record) {
        const auto done = takeDown(tree, record.made());
        if (done) record.erase();
        if (record.made().isNothing()) return;
        reclaimed.push_back(
            {.made = record.made(), .problem = done ? std::nullopt : std::optional<Error>(done.error())});
    });
    return reclaimed;
}

std::string describe(const Made& made) {
    return fmt::format("subsystem {}, {}, {}", printable(made.nqn), counted(made.ports.size(), "port"),
                       counted(made.namespaces.size(), "namespace"));
}

}  // namespace mc::nvmet
