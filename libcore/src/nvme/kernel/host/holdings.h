#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "base/futex.h"
#include "nvme/kernel/host/controllers.h"

namespace mc::nvme::kernel {

/// Who needs a controller: a process, as long as it lives, or what lasts until it is told to end, such as a mount.
class Holder {
  public:
    /// This process; `number` tells what in it needs the controller.
    static Holder process(unsigned number);
    /// `name` is one line.
    static Holder lasting(std::string_view name);
    /// Of its text.
    explicit Holder(std::string text) : text_(std::move(text)) {}

    const std::string& text() const { return text_; }
    bool lives() const;
    bool operator==(const Holder&) const = default;

  private:
    std::string text_;  // "process PID START NUMBER", "lasting NAME"
};

/// A controller that we have connected.
struct Holding {
    std::string controller;      ///< Its name.
    std::uint64_t identity = 0;  ///< As ControllerEntry::identity.
    std::vector<Holder> holders;

    bool is(const ControllerEntry& entry) const { return controller == entry.name && identity == entry.identity; }
};

/// The controllers that we have connected, as all processes of this user know them: a file for each in a directory.
/// Locked against others while the object lives.
class Holdings {
  public:
    /// Makes the directory where there is none. Busy where others hold the lock until the deadline; NotPermitted for a
    /// directory that is not this user's alone. What was noted before this boot, or can't be read, is left out.
    static Result<Holdings> open(const std::filesystem::path& directory, Deadline deadline);

    const std::vector<Holding>& all() const { return all_; }
    /// Null if the controller is not ours.
    const Holding* find(const ControllerEntry& controller) const;
    /// Notes it, in place of what is known of that name.
    Result<void> put(Holding holding);
    void remove(const std::string& controller);

  private:
    Holdings(std::filesystem::path directory, FileDescriptor lock)
        : directory_(std::move(directory)), lock_(std::move(lock)) {}
    void read();

    std::filesystem::path directory_;
    FileDescriptor lock_;
    std::vector<Holding> all_;
};

}  // namespace mc::nvme::kernel
