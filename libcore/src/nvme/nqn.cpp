#include "nvme/nqn.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/text.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {

// NVM Express Base Specification 2.0, section 4.7.
Result<void> checkNqn(std::string_view nqn) {
    const bool plain = std::ranges::all_of(nqn, [](char letter) { return letter > ' ' && letter < '\x7f'; });
    if (nqn.starts_with("nqn.") && nqn.size() <= kMaxNqnLength && plain) return {};
    return fail(ErrorCode::InvalidArgument, fmt::format("\"{}\" is no NVMe qualified name", printable(nqn)),
                "such as nqn.2014-08.org.nvmexpress:uuid:..., of at most 223 bytes; /etc/nvme/hostnqn has a host's");
}

}  // namespace mc::nvme
