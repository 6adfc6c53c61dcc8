#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::meta {

/// A file that is there whole, or as it was before.
class OutputFile {
  public:
    /// CannotCreate if there can't be a file beside `path`, which takes what is written.
    static Result<OutputFile> create(const std::string& path);
    OutputFile(OutputFile&& other) noexcept = default;
    OutputFile& operator=(OutputFile&&) = delete;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    /// Without finish(), nothing remains.
    ~OutputFile();

    Result<void> write(std::string_view text);
    /// The file is on the disk, and has its name.
    Result<void> finish();
    /// The same, but CannotCreate where there is something of that name by now.
    Result<void> finishNew();

  private:
    Result<void> sync();
    OutputFile(std::string path, std::string partial, FileDescriptor fd)
        : path_(std::move(path)), partial_(std::move(partial)), fd_(std::move(fd)) {}

    std::string path_;
    std::string partial_;
    FileDescriptor fd_;
};

}  // namespace mc::meta
