#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

namespace mc::test {

/// A path for `name` that no other test process uses: each test runs in its own.
inline std::string temporaryPath(const std::string& name) {
    return testing::TempDir() + "mc-" + std::to_string(::getpid()) + "-" + name;
}

/// A file that goes with the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& name, std::size_t size) : path_(temporaryPath(name)) {
        std::ofstream(path_, std::ios::binary) << std::string(size, '\x5a');
    }
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }
    std::string content() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

  private:
    std::string path_;
};

}  // namespace mc::test
