#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::nvmet {

/// The directory with which the kernel's target is configured: /sys/kernel/config/nvmet, or one that stands for it.
/// Paths are below it. What the callers tell apart (EEXIST, EBUSY, EADDRINUSE) is an errno, 0 for success.
class Tree {
  public:
    explicit Tree(std::filesystem::path root) : root_(std::move(root)) {}
    virtual ~Tree() = default;
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    std::filesystem::path at(std::string_view path) const { return root_ / path; }
    bool has(std::string_view path) const;
    /// Names of the entries of a directory, sorted; empty where there is none.
    std::vector<std::string> list(std::string_view path) const;

    /// A new object; the kernel fills it with its attributes.
    virtual int make(std::string_view path) const;
    virtual int remove(std::string_view path) const;
    /// `link` refers to the object at `path`.
    virtual int link(std::string_view path, std::string_view link) const;
    int unlink(std::string_view link) const;

    /// An attribute's value, without the newline at its end.
    Result<std::string> read(std::string_view attribute) const;
    virtual Result<void> write(std::string_view attribute, std::string_view value) const;
    /// The same for a secret: nobody but root can read it back, and no error repeats it.
    Result<void> writeSecret(std::string_view attribute, std::string_view value) const;

    /// What went wrong with an object, in words.
    std::unexpected<Error> problem(std::string_view operation, std::string_view path, int number) const;

  private:
    const std::filesystem::path root_;
};

}  // namespace mc::nvmet
