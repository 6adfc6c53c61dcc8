#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

#include "common/store_client.h"
#include "config/values.h"
#include "metadata/store.h"

namespace mc::meta {

using tools::commandDeadline;
using tools::openClient;

/// A precondition of --if-version, any without it.
metadata::Precondition versionPrecondition(const config::Values& values);

/// With --if-version it is the command's answer that the key has another version.
Error answered(Error error, const config::Values& values);

/// BadData if `text` can't stand in JSON.
Result<void> checkUtf8(std::string_view key, std::string_view text);

}  // namespace mc::meta
