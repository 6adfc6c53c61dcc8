#pragma once

#include <string>

namespace mc::target {

/// That killed targets of this user have left something in the kernel's target, and the command that takes it down;
/// empty: they have not, or that can't be seen.
std::string leftoversNote();

}  // namespace mc::target
