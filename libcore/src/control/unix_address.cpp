#include "control/unix_address.h"

#include <fmt/format.h>

#include <cstring>

#include "base/errors.h"

namespace mc::control {

Result<sockaddr_un> unixAddress(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    constexpr std::size_t kMost = sizeof(address.sun_path) - 1;
    if (text.empty() || text.size() > kMost || text.contains('\0')) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("control socket {}: the path must have 1 to {} bytes", text, kMost),
                    "give a shorter one with --control-socket");
    }
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

}  // namespace mc::control
