#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace mc::test {

/// A path for `name` that no other test process uses: each test runs in its own.
inline std::string temporaryPath(const std::string& name) {
    return testing::TempDir() + "mc-" + std::to_string(::getpid()) + "-" + name;
}

}  // namespace mc::test
