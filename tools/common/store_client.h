#pragma once

#include <memory>
#include <string_view>

#include "mc/error.h"

#include "config/values.h"
#include "metadata/store.h"

namespace mc::tools {

/// The store that --metadata_server names, or another option or argument; of a command with kStoreOptions.
Result<std::unique_ptr<metadata::Store>> openClient(const config::Values& values,
                                                    std::string_view option = "metadata-server");

/// When --timeout is over, for a command that starts now; none without it.
Deadline commandDeadline(const config::Values& values);

}  // namespace mc::tools
