#include "nvme/kernel/target/subsystem.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/errors.h"

namespace mc::nvmet {

std::string subsystemPath(std::string_view nqn) {
    return fmt::format("subsystems/{}", nqn);
}

Result<void> makeSubsystem(const Tree& tree, Record& record, const nvme::SubsystemOptions& options) {
    const std::string path = subsystemPath(options.nqn);
    const auto taken = [&] {
        return fail(ErrorCode::AlreadyExists,
                    fmt::format("{}: is there already, and not (or not only) made by an mc-target that has ended",
                                tree.at(path).native()),
                    "give another name (--local-server-name, or mc-target's --nqn), or have whoever made it remove it");
    };
    if (tree.has(path)) return taken();
    if (auto recorded = record.addSubsystem(options.nqn, options.serial); !recorded) return recorded;
    if (const int error = tree.make(path); error != 0) {
        if (auto dropped = record.dropSubsystem(); !dropped) return dropped;
        return error == EEXIST ? taken() : tree.problem("make", path, error);
    }
    // The mark first: what has none was left in between.
    if (auto marked = tree.write(path + "/attr_serial", options.serial); !marked) return marked;
    if (auto named = tree.write(path + "/attr_model", options.model); !named) return named;
    return tree.write(path + "/attr_allow_any_host", options.allow_any_host ? "1" : "0");
}

bool isOurs(const Tree& tree, const Made& made) {
    const std::string path = subsystemPath(made.nqn);
    const auto serial = tree.read(path + "/attr_serial");
    if (serial && *serial == made.serial) return true;
    // As the kernel makes it: whoever else uses one lets hosts in.
    const auto any_host = tree.read(path + "/attr_allow_any_host");
    return any_host && *any_host == "0" && tree.list(path + "/namespaces").empty() &&
           tree.list(path + "/allowed_hosts").empty();
}

}  // namespace mc::nvmet
