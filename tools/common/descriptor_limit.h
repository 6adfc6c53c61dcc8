#pragma once

#include <cstddef>

namespace mc::tools {

/// Raises this process's limit of descriptors to what so many connections need, as far as that is allowed. False: it is
/// not enough.
bool raiseDescriptorLimit(std::size_t connections);

/// The most that it may be raised to (ulimit -Hn).
std::size_t hardDescriptorLimit();

}  // namespace mc::tools
