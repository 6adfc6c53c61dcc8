#include "transport/nvmeof/file_opening.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "nvme/kernel/target/namespace.h"
#include "nvme/kernel/target/prerequisites.h"
#include "transport/nvmeof/transport_id.h"

namespace mc::nvmeof {
namespace {

Result<void> expectKernelCan(const io::FileFacts& facts, const LocalFileOptions& file,
                             const std::string& backend_option) {
    if (file.read_only) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: the kernel's target has no read-only namespaces", printable(facts.path)),
                    fmt::format("use {}=user for it, or leave --read-only out", backend_option));
    }
    if (file.size != 0 && file.size != facts.length) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: the kernel's target serves all of a file, {} bytes, not the first {}",
                                printable(facts.path), facts.length, file.size),
                    fmt::format("leave the size out, or use {}=user", backend_option));
    }
    return {};
}

// The lock lasts as long as the device; it keeps nobody out who does not ask, and not every file system has it.
void warnIfServedElsewhere(const io::FileFacts& facts, const io::BlockDevice& device) {
    if (facts.is_block_device) return;  // Those are claimed.
    const int kind = device.isReadOnly() ? LOCK_SH : LOCK_EX;
    if (::flock(device.descriptor(), kind | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    log::warning(
        "{}: another process has locked it, such as a target that serves it, too: nothing keeps apart what "
        "hosts write there and here",
        printable(facts.path));
}

}  // namespace

NvmeofBackend backendFor(const NvmeTransportId& where, const NvmeofOptions& options) {
    if (options.backend != NvmeofBackend::Auto) return options.backend;
    return toLower(where.trtype) == "rdma" ? NvmeofBackend::Kernel : NvmeofBackend::User;
}

Result<void> checkBackend(const NvmeTransportId& where, const NvmeofOptions& options) {
    const std::string trtype = toLower(where.trtype);
    if (trtype != "tcp" && trtype != "rdma")
        return fail(ErrorCode::Unsupported, fmt::format("trtype {}: not tcp or rdma", printable(where.trtype)));
    const auto addresses = ipAddresses(where);
    if (!addresses) return std::unexpected(addresses.error());
    if (backendFor(where, options) == NvmeofBackend::User) {
        if (trtype == "tcp") return {};
        return fail(ErrorCode::Unsupported, fmt::format("trtype {}: only the kernel's target has it", trtype),
                    fmt::format("use {}=kernel", options.backend_option));
    }
    if (addresses->front().port() == 0) {
        return fail(ErrorCode::InvalidArgument, "trsvcid 0: the kernel's target does not tell which port it drew",
                    "name one, such as 4420");
    }
    const auto missing = nvmet::findMissing(trtype, options.backend_option);
    return missing.empty() ? Result<void>() : std::unexpected(nvmet::toError(missing));
}

Result<OpenedFile> openToServe(const std::string& path, const LocalFileOptions& file, const ServingWay& way) {
    auto facts = io::inspectFile(path);
    if (!facts) return std::unexpected(facts.error());
    const bool by_kernel = way.backend == NvmeofBackend::Kernel;
    if (by_kernel) {
        if (auto can = expectKernelCan(*facts, file, way.backend_option); !can) return std::unexpected(can.error());
    }
    auto device = io::openFileDevice(
        path, {.size = file.size, .read_only = file.read_only, .direct = way.direct, .force = file.force});
    if (!device) {
        Error error = device.error();
        const bool lacks_right = error.code == ErrorCode::NotPermitted && error.hint.empty() && !file.read_only;
        if (lacks_right && ::access(path.c_str(), R_OK) == 0) error.hint = "it can be read: serve it read-only";
        return std::unexpected(std::move(error));
    }
    const auto block_size = by_kernel ? nvmet::blockSizeOf(*facts) : Result<std::uint32_t>((*device)->blockSize());
    if (!block_size) return std::unexpected(block_size.error());
    constexpr std::uint32_t kMostBlock = 4096;  // Of a namespace that hosts of today know.
    if (!by_kernel && (*device)->isDirect() && *block_size > kMostBlock) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("{}: direct I/O needs blocks of {} bytes, and {} are the most that is served",
                                printable(path), *block_size, kMostBlock),
                    "serve it without direct I/O");
    }
    const std::uint64_t size = (*device)->size() / *block_size * *block_size;
    if (size == 0) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{}: {} bytes are less than a block of {}", printable(path),
                                                            (*device)->size(), *block_size));
    }
    if (const std::uint64_t rest = (file.size != 0 ? file.size : facts->length) - size; rest > 0) {
        log::warning("{}: its last {} bytes are less than a block of {}, and not served", printable(path), rest,
                     *block_size);
    }
    warnIfServedElsewhere(*facts, **device);
    return OpenedFile{.facts = std::move(*facts), .device = std::move(*device), .size = size};
}

}  // namespace mc::nvmeof
