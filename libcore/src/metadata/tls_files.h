#pragma once

#include "mc/error.h"

#include "metadata/store_options.h"

namespace mc::metadata {

/// Config for a key without its certificate. Warns of a key that others may read.
Result<void> checkTlsFiles(const StoreOptions& options);

/// True if the options only make sense with TLS.
bool asksForTls(const StoreOptions& options);

}  // namespace mc::metadata
