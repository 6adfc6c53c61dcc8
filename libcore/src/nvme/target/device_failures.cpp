#include "nvme/target/device_failures.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/text.h"
#include "io/block_device.h"

namespace mc::nvme {
namespace {

using Kind = io::BlockRequest::Kind;

std::string operation(const io::BlockRequest& request) {
    const auto ranged = [&request](const char* what) {
        return fmt::format("{} of {} bytes at offset {}", what, request.length, request.offset);
    };
    switch (request.kind) {
        case Kind::Read:
            return ranged("a read");
        case Kind::Write:
            return ranged("a write");
        case Kind::Discard:
            return ranged("a deallocation");
        case Kind::WriteZeroes:
            return ranged("a zeroing");
        case Kind::Flush:
            break;
    }
    return "a flush";
}

std::string reason(const io::BlockRequest& request, int error) {
    struct stat status{};
    const bool ended_early = request.kind == Kind::Read && error == EIO && request.device->descriptor() >= 0 &&
                             ::fstat(request.device->descriptor(), &status) == 0 && S_ISREG(status.st_mode);
    if (ended_early && static_cast<std::uint64_t>(status.st_size) < request.offset + request.length) {
        return fmt::format("the file is shorter than served, {} bytes of {}", status.st_size, request.device->size());
    }
    return std::generic_category().message(error);
}

}  // namespace

std::string describeFailure(const io::BlockRequest& request, int error) {
    return fmt::format("{}: {} failed: {}", printable(request.device->name()), operation(request),
                       reason(request, error));
}

}  // namespace mc::nvme
