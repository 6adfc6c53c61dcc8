#pragma once

#include <optional>
#include <string>

namespace mc::io {

/// Why sockets can't use an algorithm for congestion control, and what to do.
struct CongestionRefusal {
    std::string reason;  ///< Goes on after the name: "is not known to the kernel, which has reno, cubic".
    std::string hint;
};

/// Asks the kernel, with a socket of its own; nothing where sockets may use `name`.
std::optional<CongestionRefusal> refusedCongestionControl(const std::string& name);

}  // namespace mc::io
