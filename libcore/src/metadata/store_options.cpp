#include "metadata/store_options.h"

namespace mc::metadata {

StoreOptions storeOptionsFrom(const config::Values& values) {
    using std::chrono::ceil;
    using std::chrono::milliseconds;
    return {.connect_timeout = ceil<milliseconds>(values.duration("metadata-connect-timeout")),
            .timeout = ceil<milliseconds>(values.duration("metadata-timeout")),
            .max_value = values.size("metadata-max-value"),
            .proxy = values.text("metadata-proxy"),
            .ca_file = values.text("metadata-ca-file"),
            .cert_file = values.text("metadata-cert-file"),
            .key_file = values.text("metadata-key-file")};
}

}  // namespace mc::metadata
