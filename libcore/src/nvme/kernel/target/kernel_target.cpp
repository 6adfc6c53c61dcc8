#include "nvme/kernel/target/kernel_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "nvme/kernel/target/hosts.h"
#include "nvme/kernel/target/port.h"
#include "nvme/kernel/target/reclaim.h"
#include "nvme/kernel/target/subsystem.h"

namespace mc::nvmet {
namespace {

// The kernel has it as the name of a directory.
Result<void> checkName(const std::string& nqn) {
    constexpr std::size_t kLongest = 223;  // NVM Express Base Specification 2.0, section 4.7.
    const bool plain = std::ranges::all_of(nqn, [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
    if (plain && nqn.starts_with("nqn.") && nqn.size() <= kLongest) return {};
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\": no name that the kernel's target takes", printable(nqn)),
                "such as nqn.2024-01.com.example:store, of at most 223 letters, none of them a '/'");
}

}  // namespace

Result<std::unique_ptr<KernelTarget>> KernelTarget::start(std::unique_ptr<const Tree> tree, const Options& options) {
    if (auto named = checkName(options.subsystem.nqn); !named) return std::unexpected(named.error());
    for (const nvme::AllowedHost& host : options.subsystem.hosts) {
        if (auto named = checkName(host.nqn); !named) return std::unexpected(named.error());
    }
    const auto lock = DirectoryLock::take(options.records);
    if (!lock) return std::unexpected(lock.error());
    for (const Reclaimed& left : reclaim(*tree, options.records)) {
        if (left.problem) {
            log::warning("{}: {}", left.made.nqn, left.problem->message);
        } else {
            log::info("took down what a killed mc-target had left in the kernel: {}", describe(left.made));
        }
    }
    auto record = Record::create(options.records, options.subsystem.nqn);
    if (!record) return std::unexpected(record.error());
    std::unique_ptr<KernelTarget> target(new KernelTarget(std::move(tree), std::move(*record)));
    if (auto built = target->build(options); !built) {
        target->takeDownAll();
        return std::unexpected(built.error());
    }
    target->built_ = true;
    return target;
}

KernelTarget::~KernelTarget() {
    if (!built_) return;
    const auto lock = DirectoryLock::take(record_.path().parent_path());
    if (!lock) log::warning("{}", lock.error().message);
    takeDownAll();
}

Result<void> KernelTarget::build(const Options& options) {
    if (auto made = makeSubsystem(*tree_, record_, options.subsystem); !made) return made;
    for (const nvme::AllowedHost& host : options.subsystem.hosts) {
        if (auto allowed = allowHost(*tree_, record_, host, options.backend_option); !allowed) return allowed;
    }
    for (const NamespaceOptions& space : options.namespaces) {
        if (auto added = addNamespace(space); !added) return added;
    }
    const auto port =
        listen(*tree_, record_,
               {.address = options.address, .nqn = options.subsystem.nqn, .port_option = options.port_option});
    return port ? Result<void>() : std::unexpected(port.error());
}

void KernelTarget::takeDownAll() {
    if (const auto done = takeDown(*tree_, record_.made()); !done) {
        log::warning("{}: {}", record_.made().nqn, done.error().message);
        return;  // The record stays, so that the next start tries again.
    }
    record_.erase();
}

}  // namespace mc::nvmet
