#pragma once

#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::metadata {

/// Where an HTTP metadata server is: "http://host:8080/metadata".
class HttpUrl {
  public:
    /// InvalidArgument unless it is an http or https URL with a host and a path, and without '?' and '#'.
    static Result<HttpUrl> parse(std::string_view text);

    /// The URL with `name`=`value` as its query.
    std::string with(std::string_view name, std::string_view value) const;
    /// For messages: without user and password.
    const std::string& shown() const { return shown_; }

  private:
    HttpUrl() = default;

    std::string base_;
    std::string shown_;
};

/// Every byte but letters, digits, '-', '.', '_' and '~' as %XX.
std::string percentEncoded(std::string_view text);

}  // namespace mc::metadata
