#include "metadata/store_options.h"

#include "base/errors.h"
#include "base/secret_file.h"

namespace mc::metadata {

Result<StoreOptions> storeOptionsFrom(const config::Values& values) {
    using std::chrono::ceil;
    using std::chrono::milliseconds;
    StoreOptions options{.connect_timeout = ceil<milliseconds>(values.duration("metadata-connect-timeout")),
                         .timeout = ceil<milliseconds>(values.duration("metadata-timeout")),
                         .max_value = values.size("metadata-max-value"),
                         .redis_username = values.text("redis-username"),
                         .redis_password = values.text("redis-password"),
                         .proxy = values.text("metadata-proxy"),
                         .ca_file = values.text("metadata-ca-file"),
                         .username = values.text("metadata-user"),
                         .cert_file = values.text("metadata-cert-file"),
                         .key_file = values.text("metadata-key-file"),
                         .redis_db = static_cast<int>(values.integer("redis-db-index"))};
    if (const std::string path = values.text("metadata-password-file"); !path.empty()) {
        auto password = readSecret(path);
        if (!password) return std::unexpected(wrap("metadata_password_file", password.error()));
        options.password = std::move(*password);
    }
    return options;
}

}  // namespace mc::metadata
