#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "config/values.h"
#include "metadata/store.h"

namespace mc::meta {

/// The store that --metadata_server names, or another option or argument.
Result<std::unique_ptr<metadata::Store>> openClient(const config::Values& values,
                                                    std::string_view option = "metadata-server");

/// When --timeout is over, for a command that starts now; none without it.
Deadline commandDeadline(const config::Values& values);

/// A precondition of --if-version, any without it.
metadata::Precondition versionPrecondition(const config::Values& values);

/// With --if-version it is the command's answer that the key has another version.
Error answered(Error error, const config::Values& values);

/// BadData if `text` can't stand in JSON.
Result<void> checkUtf8(std::string_view key, std::string_view text);

}  // namespace mc::meta
