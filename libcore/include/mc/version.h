#pragma once

namespace mc {

/// The library's version, "major.minor.patch".
const char* version();

}  // namespace mc
