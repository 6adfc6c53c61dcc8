#include "metadata/tls_files.h"

#include <sys/stat.h>

#include "base/errors.h"
#include "base/log.h"

namespace mc::metadata {

Result<void> checkTlsFiles(const StoreOptions& options) {
    if (options.key_file.empty()) return {};
    if (options.cert_file.empty()) {
        return fail(ErrorCode::Config, "metadata_key_file: a key without its certificate",
                    "name that one's file, too (metadata_cert_file)");
    }
    struct stat status{};
    if (::stat(options.key_file.c_str(), &status) != 0) return {};  // Who uses it says what is wrong.
    if ((status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        log::warning("{}: others may read this key: chmod 600 it", options.key_file);
    return {};
}

bool asksForTls(const StoreOptions& options) {
    return !options.ca_file.empty() || !options.cert_file.empty() || !options.key_file.empty();
}

}  // namespace mc::metadata
