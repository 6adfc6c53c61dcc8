#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/store_options.h"

namespace mc::metadata {

struct HttpRequest {
    enum class Method {
        Get,
        Head,
        Put,
        Post,  ///< Of JSON. Never sent twice by libcurl, also on a kept connection that it finds closed.
        Delete,
    };
    Method method = Method::Get;
    std::string url;
    std::string_view body{};             ///< Of a put or post; must outlive the request.
    std::vector<std::string> headers{};  ///< "Name: value".
    std::uint64_t max_reply = 0;         ///< Bytes of the reply's body.
    bool on_new_connection = false;      ///< Never sent twice, which libcurl may do on one that it finds closed.
};

struct HttpReply {
    long status = 0;
    bool extended = false;  ///< The server knows preconditions, list and watch: it said "Mc-Metadata: 1".
    std::string etag;       ///< Without its quotes.
    std::string location;   ///< Where a redirection points to.
    std::string body;
};

}  // namespace mc::metadata
