#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

namespace mc::metadata {

/// True for what Mooncake takes for etcd without a scheme: "host:port", several with ',' or ';' between.
bool isEndpointList(std::string_view text);

/// The base URLs, such as "http://10.0.0.1:2379", of the endpoints in `uri`: "etcd://host[:port][,...]" or a list as
/// above. An endpoint may begin with http:// or https://. All are https if one is, or with `tls`: one that says http://
/// is then refused. InvalidArgument for anything else; what is between the endpoints' scheme and '@' is not repeated.
Result<std::vector<std::string>> parseEndpoints(std::string_view uri, bool tls);

}  // namespace mc::metadata
