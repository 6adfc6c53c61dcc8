#pragma once

#include <string>

namespace mc {

/// Names the calling thread for ps, top and debuggers; the kernel keeps 15 characters.
void nameThisThread(const std::string& name);

/// A small number that tells the calling thread from others, in the order of first calls.
unsigned threadNumber();

}  // namespace mc
