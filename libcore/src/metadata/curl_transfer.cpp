#include "metadata/curl_transfer.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/errors.h"
#include "base/units.h"

namespace mc::metadata {
namespace {

struct CurlFree {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

bool initialised() {
    static const bool kDone = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return kDone;
}

std::string_view unquoted(std::string_view etag) {
    return etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"') ? etag.substr(1, etag.size() - 2) : "";
}

}  // namespace

class CurlTransfer::Impl {
  public:
    Impl(CURL* handle, StoreOptions options, std::string shown_url)
        : options_(std::move(options)), shown_url_(std::move(shown_url)), handle_(handle) {}

    CURL* handle() const { return handle_.get(); }
    std::string& body() { return body_; }

    void prepare(const HttpRequest& request, std::chrono::milliseconds limit);
    std::string header(const char* name) const;
    long status() const;
    bool sent() const;
    Error errorOf(CURLcode code);

  private:
    template <typename T>
    void set(CURLoption option, T value) {
        ::curl_easy_setopt(handle_.get(), option, value);
    }
    void setRoad();
    void setTls(CURL* handle);
    void findAlert();
    void setMethod(const HttpRequest& request);
    static curl_socket_t openSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
    bool isConnected() const;
    void setBody(std::string_view body);
    static std::size_t giveBody(char* bytes, std::size_t size, std::size_t count, void* self);
    static int hear(CURL* handle, curl_infotype type, char* text, std::size_t size, void* self);
    static std::size_t takeBody(char* bytes, std::size_t size, std::size_t count, void* self);
    std::string cause(CURLcode code) const;
    std::string hintOfNoReply() const;
    static std::string hintOfVerification(const std::string& cause);

    const StoreOptions options_;
    const std::string shown_url_;
    std::string_view unsent_;
    std::string alert_;  // Why the server has ended TLS.
    std::string body_;
    std::uint64_t max_body_ = 0;
    bool too_long_ = false;
    std::chrono::milliseconds limit_{0};
    std::chrono::milliseconds connect_limit_{0};
    int socket_error_ = 0;  // Why there was no socket.
    std::array<char, CURL_ERROR_SIZE> text_{};
    std::unique_ptr<curl_slist, CurlFree> headers_;
    std::unique_ptr<CURL, CurlFree> handle_;  // Goes first: it refers to all the others.
};

void CurlTransfer::Impl::prepare(const HttpRequest& request, std::chrono::milliseconds limit) {
    body_.clear();
    max_body_ = request.max_reply;
    too_long_ = false;
    text_.front() = '\0';
    alert_.clear();
    limit_ = limit;
    socket_error_ = 0;
    ::curl_easy_reset(handle_.get());  // Keeps connections.
    setRoad();
    setMethod(request);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_FRESH_CONNECT, request.on_new_connection ? 1L : 0L);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    connect_limit_ = options_.connect_timeout;
    if (limit.count() != 0) connect_limit_ = std::min(connect_limit_, limit);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_limit_.count()));
    if (request.max_reply != 0) set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_reply));
}

// How the server is reached, and nothing but the server.
void CurlTransfer::Impl::setRoad() {
    set(CURLOPT_ERRORBUFFER, text_.data());
    set(CURLOPT_WRITEFUNCTION, &Impl::takeBody);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_OPENSOCKETFUNCTION, &Impl::openSocket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // A name that takes long to resolve is not waited for beyond the time limit.
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, options_.proxy.c_str());
    set(CURLOPT_NOPROXY, "");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);  // Of a watch that nothing happens in, soon enough for what is between.
    set(CURLOPT_TCP_KEEPIDLE, 20L);
    set(CURLOPT_TCP_KEEPINTVL, 10L);
    set(CURLOPT_MAXCONNECTS, 1L);
    setTls(handle_.get());
}

void CurlTransfer::Impl::setTls(CURL* handle) {
    const auto setFile = [handle](CURLoption option, const std::string& path) {
        if (!path.empty()) ::curl_easy_setopt(handle, option, path.c_str());
    };
    setFile(CURLOPT_CAINFO, options_.ca_file);
    if (!options_.ca_file.empty()) ::curl_easy_setopt(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    setFile(CURLOPT_SSLCERT, options_.cert_file);
    setFile(CURLOPT_SSLKEY, options_.key_file);
    ::curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
    ::curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, &Impl::hear);
    ::curl_easy_setopt(handle, CURLOPT_DEBUGDATA, static_cast<void*>(this));
}

void CurlTransfer::Impl::setMethod(const HttpRequest& request) {
    std::vector<std::string> headers = request.headers;
    switch (request.method) {
        case HttpRequest::Method::Get:
            set(CURLOPT_HTTPGET, 1L);
            break;
        case HttpRequest::Method::Head:
            set(CURLOPT_NOBODY, 1L);
            break;
        case HttpRequest::Method::Put:
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
            set(CURLOPT_CUSTOMREQUEST, "PUT");
            headers.emplace_back("Content-Type: application/json");
            headers.emplace_back("Expect:");  // No second of waiting for a "100 Continue".
            break;
        case HttpRequest::Method::Post:
            setBody(request.body);
            headers.emplace_back("Content-Type: application/json");
            headers.emplace_back("Expect:");
            break;
        case HttpRequest::Method::Delete:
            set(CURLOPT_CUSTOMREQUEST, "DELETE");
            break;
    }
    curl_slist* list = nullptr;
    for (const std::string& header : headers) {
        list = ::curl_slist_append(list, header.c_str());
    }
    headers_.reset(list);
    set(CURLOPT_HTTPHEADER, list);
}

curl_socket_t CurlTransfer::Impl::openSocket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
    const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket < 0) static_cast<Impl*>(self)->socket_error_ = errno;
    return socket;
}

// From a function, which can't go back to the start: that keeps libcurl from sending it a second time.
void CurlTransfer::Impl::setBody(std::string_view body) {
    unsent_ = body;
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_READFUNCTION, &Impl::giveBody);
    set(CURLOPT_READDATA, static_cast<void*>(this));
}

std::size_t CurlTransfer::Impl::giveBody(char* bytes, std::size_t size, std::size_t count, void* self) {
    Impl& transfer = *static_cast<Impl*>(self);
    const std::size_t length = transfer.unsent_.copy(bytes, size * count);
    transfer.unsent_.remove_prefix(length);
    return length;
}

// Only libcurl's log has what the server says when it ends TLS.
int CurlTransfer::Impl::hear(CURL* /*handle*/, curl_infotype type, char* text, std::size_t size, void* self) {
    constexpr std::string_view kAlert = "(IN), TLS alert, ";
    const std::string_view line(text, size);
    const auto at = type == CURLINFO_TEXT ? line.find(kAlert) : std::string_view::npos;
    if (at == std::string_view::npos) return 0;
    const std::string_view reason = line.substr(at + kAlert.size());
    static_cast<Impl*>(self)->alert_ = reason.substr(0, reason.find(" ("));
    return 0;
}

// With TLS 1.3 a server may refuse the client's certificate when that one is connected already and writes: then writing
// fails, and the reason is lost. With TLS 1.2 it is part of connecting.
void CurlTransfer::Impl::findAlert() {
    constexpr long kLongest = 1000;
    char* url = nullptr;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_EFFECTIVE_URL, &url);
    const std::unique_ptr<CURL, CurlFree> probe(::curl_easy_init());
    if (!probe || url == nullptr || !std::string_view(url).starts_with("https://")) return;
    ::curl_easy_setopt(probe.get(), CURLOPT_URL, url);
    ::curl_easy_setopt(probe.get(), CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(probe.get(), CURLOPT_PROXY, options_.proxy.c_str());
    ::curl_easy_setopt(probe.get(), CURLOPT_NOPROXY, "");
    ::curl_easy_setopt(probe.get(), CURLOPT_CONNECT_ONLY, 1L);
    ::curl_easy_setopt(probe.get(), CURLOPT_TIMEOUT_MS, kLongest);
    ::curl_easy_setopt(probe.get(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_MAX_TLSv1_2));
    setTls(probe.get());
    ::curl_easy_perform(probe.get());
}

std::size_t CurlTransfer::Impl::takeBody(char* bytes, std::size_t size, std::size_t count, void* self) {
    Impl& transfer = *static_cast<Impl*>(self);
    const std::size_t length = size * count;
    transfer.too_long_ = transfer.body_.size() + length > transfer.max_body_;
    if (transfer.too_long_) return 0;
    transfer.body_.append(bytes, length);
    return length;
}

std::string CurlTransfer::Impl::header(const char* name) const {
    curl_header* found = nullptr;
    if (::curl_easy_header(handle_.get(), name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return {};
    return found->value;
}

long CurlTransfer::Impl::status() const {
    long status = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

bool CurlTransfer::Impl::sent() const {
    long bytes = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
}

std::string CurlTransfer::Impl::cause(CURLcode code) const {
    long number = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &number);
    const bool of_socket = code == CURLE_COULDNT_CONNECT || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
    if (of_socket && number != 0) return std::generic_category().message(static_cast<int>(number));
    return text_.front() != '\0' ? text_.data() : ::curl_easy_strerror(code);
}

bool CurlTransfer::Impl::isConnected() const {
    curl_off_t after = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_PRETRANSFER_TIME_T, &after);
    return after != 0;
}

std::string CurlTransfer::Impl::hintOfNoReply() const {
    return status() == 0 && shown_url_.starts_with("http://") ? "if it speaks TLS, use https://" : "";
}

std::string CurlTransfer::Impl::hintOfVerification(const std::string& cause) {
    if (cause.contains("target host name")) return "use the name or address that its certificate is for";
    if (cause.contains("expired")) return "the server needs a new certificate";
    return "name the file of its certificate authority (metadata_ca_file)";
}

Error CurlTransfer::Impl::errorOf(CURLcode code) {
    const auto make = [&](ErrorCode kind, const std::string& problem, std::string hint = {}) {
        return Error{kind, fmt::format("metadata server {}: {}", shown_url_, problem), std::move(hint)};
    };
    if (too_long_ || code == CURLE_FILESIZE_EXCEEDED) {
        return make(ErrorCode::BadData, fmt::format("the reply is longer than {} bytes", max_body_),
                    "the longest value to accept is an option (metadata_max_value)");
    }
    if (socket_error_ == EMFILE || socket_error_ == ENFILE) {
        return systemError("open a socket to metadata server", shown_url_, socket_error_);
    }
    switch (code) {
        case CURLE_COULDNT_CONNECT:
            return make(ErrorCode::Unavailable, cause(code), "is the metadata server running there?");
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return make(ErrorCode::Unavailable, cause(code), "is the host's name right?");
        case CURLE_OPERATION_TIMEDOUT:
            return make(ErrorCode::TimedOut,
                        isConnected() ? fmt::format("no answer within {}", formatDuration(limit_))
                                      : fmt::format("no connection within {}", formatDuration(connect_limit_)),
                        "the time limits are options (metadata_timeout, metadata_connect_timeout)");
        case CURLE_GOT_NOTHING:
            return make(ErrorCode::Unavailable, "it closed the connection without a reply", hintOfNoReply());
        case CURLE_SEND_FAIL_REWIND:
            return make(ErrorCode::Unavailable, "it closed the connection when the request was on its way");
        case CURLE_PARTIAL_FILE:
            return make(ErrorCode::Unavailable, "it closed the connection in the middle of its reply");
        case CURLE_UNSUPPORTED_PROTOCOL:  // What libcurl says to HTTP/0.9.
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return make(ErrorCode::Protocol, fmt::format("not HTTP: {}", cause(code)), "is the port right?");
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
            if (alert_.empty()) findAlert();
            if (alert_.contains("certificate") || alert_.contains("unknown CA")) {
                return make(ErrorCode::NotPermitted, fmt::format("TLS alert: {}", alert_),
                            "does it want a client's certificate, or another one (metadata_cert_file)?");
            }
            if (code != CURLE_SSL_CONNECT_ERROR) return make(ErrorCode::Unavailable, cause(code), hintOfNoReply());
            return make(ErrorCode::Protocol, cause(code), "does it speak TLS? use http:// otherwise");
        case CURLE_PEER_FAILED_VERIFICATION:
            return make(ErrorCode::NotPermitted, cause(code), hintOfVerification(cause(code)));
        case CURLE_SSL_CERTPROBLEM:
            return make(ErrorCode::Config, cause(code),
                        "metadata_cert_file and metadata_key_file are the PEM files of one certificate and its key");
        case CURLE_SSL_CACERT_BADFILE:
            return make(ErrorCode::Config, cause(code), "metadata_ca_file is a PEM file");
        case CURLE_OUT_OF_MEMORY:
            return make(ErrorCode::System, "out of memory");
        default:
            return make(ErrorCode::Unavailable, cause(code));
    }
}

Result<std::unique_ptr<CurlTransfer>> CurlTransfer::open(const StoreOptions& options, std::string shown_url) {
    CURL* const handle = initialised() ? ::curl_easy_init() : nullptr;
    if (handle == nullptr) return fail(ErrorCode::System, "libcurl: can't be initialised");
    return std::unique_ptr<CurlTransfer>(
        new CurlTransfer(std::make_unique<Impl>(handle, options, std::move(shown_url))));
}

CurlTransfer::CurlTransfer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CurlTransfer::~CurlTransfer() = default;

void CurlTransfer::prepare(const HttpRequest& request, std::chrono::milliseconds limit) {
    impl_->prepare(request, limit);
}

Result<HttpReply> CurlTransfer::perform() {
    const CURLcode code = ::curl_easy_perform(impl_->handle());
    if (code != CURLE_OK) return std::unexpected(impl_->errorOf(code));
    HttpReply reply = header();
    reply.body = std::move(impl_->body());
    return reply;
}

bool CurlTransfer::sent() const {
    return impl_->sent();
}

void* CurlTransfer::handle() const {
    return impl_->handle();
}

std::string& CurlTransfer::body() {
    return impl_->body();
}

HttpReply CurlTransfer::header() const {
    return {.status = impl_->status(),
            .extended = impl_->header("Mc-Metadata") == "1",
            .etag = std::string(unquoted(impl_->header("ETag"))),
            .location = impl_->header("Location"),
            .body = {}};
}

Error CurlTransfer::errorOf(int code) const {
    return impl_->errorOf(static_cast<CURLcode>(code));
}

}  // namespace mc::metadata
