#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"

#include "nvme/kernel/target/record.h"
#include "nvme/kernel/target/tree.h"

namespace mc::nvmet {

/// Takes down what a record lists, as far as it is still what was made: hosts are cut off first, then the files go.
/// What is somebody else's by now stays, and so does a host or a port that somebody else uses. Busy names what resists;
/// all else has gone then.
Result<void> takeDown(const Tree& tree, const Made& made);

/// What targets that were killed have left, as their records say. The directory's lock must be held, here and for
/// reclaim().
std::vector<Made> findLeftovers(const std::filesystem::path& records);

/// What became of that.
struct Reclaimed {
    Made made;
    std::optional<Error> problem;  ///< Something stays, and with it the record; empty: all has gone.
};

/// Takes down what findLeftovers() finds.
std::vector<Reclaimed> reclaim(const Tree& tree, const std::filesystem::path& records);

/// "subsystem nqn.2016-06.io.mc:10.0.0.2, 1 port, 2 namespaces".
std::string describe(const Made& made);

}  // namespace mc::nvmet
