#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "config/values.h"
#include "metadata/store.h"
#include "metadata/update.h"

namespace mc::tools {

/// The store that --metadata_server names, or another option or argument; of a command with kStoreOptions.
Result<std::unique_ptr<metadata::Store>> openClient(const config::Values& values,
                                                    std::string_view option = "metadata-server");

/// When --timeout is over, for a command that starts now; none without it.
Deadline commandDeadline(const config::Values& values);

/// Says on standard error that somebody else's change may be lost, where the store could not prevent that.
void warnIfUnguarded(const metadata::Updated& updated, const std::string& key);

}  // namespace mc::tools
