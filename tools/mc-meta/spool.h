#pragma once

#include <fstream>

#include "mc/error.h"

namespace mc::meta {

/// A new file without a name, to be written and read. It is gone with its stream.
Result<std::fstream> openSpool();

/// To read it from its start.
inline std::fstream& rewound(std::fstream& file) {
    file.clear();
    file.seekg(0);
    return file;
}

}  // namespace mc::meta
