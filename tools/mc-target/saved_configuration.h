#pragma once

#include <string>

#include "mc/error.h"

#include "config/values.h"
#include "control/target.h"

namespace mc::target {

/// The configuration with which `restore` serves what a target serves now: its options, and in place of those that
/// name memory, files and addresses what has become of them. The same state gives the same text. Passwords are left
/// out, paths are absolute. Callable from any thread; both arguments are kept.
class SavedConfiguration {
  public:
    SavedConfiguration(const config::Values& values, control::Target& target) : values_(values), target_(target) {}

    Result<std::string> toml() const;

  private:
    const config::Values& values_;
    control::Target& target_;
};

}  // namespace mc::target
