#include "metadata/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/errors.h"
#include "base/text.h"

namespace mc::metadata {
namespace {

struct CurlFree {
    void operator()(char* text) const { ::curl_free(text); }
    void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
using CurlText = std::unique_ptr<char, CurlFree>;

constexpr const char* kExample = "it is normally http://HOST:8080/metadata";

std::unexpected<Error> refuse(std::string_view shown, std::string_view problem) {
    return fail(ErrorCode::InvalidArgument, fmt::format("metadata server {}: {}", shown, problem), kExample);
}

}  // namespace

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
    HttpUrl url;
    url.base_ = text;
    url.shown_ = withoutCredentials(text);
    const auto scheme = text.find("://");
    const auto kind = text.substr(0, scheme);
    if (scheme == std::string_view::npos || (kind != "http" && kind != "https"))
        return refuse(url.shown_, "neither http:// nor https://");
    if (text.contains('?') || text.contains('#')) return refuse(url.shown_, "the URL must end with its path");
    // Before libcurl sees it, for which text ends there.
    if (text.contains('\0')) return refuse("", "the URL has a NUL in it");
    const std::unique_ptr<CURLU, CurlFree> parsed(::curl_url());
    if (!parsed) return fail(ErrorCode::System, "metadata server: out of memory");
    if (const auto code = ::curl_url_set(parsed.get(), CURLUPART_URL, url.base_.c_str(), 0); code != CURLUE_OK)
        return refuse(url.shown_, ::curl_url_strerror(code));
    // With three slashes libcurl takes the path for the host.
    if (text.substr(scheme + 3).starts_with('/')) return refuse(url.shown_, "the URL has no host");
    if (!text.substr(scheme + 3).contains('/')) return refuse(url.shown_, "the URL has no path");
    return url;
}

std::string HttpUrl::with(std::string_view name, std::string_view value) const {
    return fmt::format("{}?{}={}", base_, name, percentEncoded(value));
}

std::string percentEncoded(std::string_view text) {
    if (text.empty()) return {};  // For libcurl a length of 0 is that of a C string.
    const CurlText encoded(::curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())));
    return encoded ? std::string(encoded.get()) : std::string();
}

}  // namespace mc::metadata
