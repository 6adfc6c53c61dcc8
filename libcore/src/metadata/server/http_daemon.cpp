#include "metadata/server/http_daemon.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/log.h"
#include "io/socket.h"
#include "metadata/server/daemon_thread.h"

namespace mc::metadata::server {
namespace {

// A key of 4096 bytes, each percent-encoded, and the headers.
constexpr std::size_t kConnectionMemory = std::size_t{32} << 10;
constexpr std::size_t kStreamBlock = std::size_t{16} << 10;
// Taken in vain from whoever sends a body that is refused, so that the refusal is read.
constexpr std::size_t kMaxDiscarded = std::size_t{1} << 20;
// Of a value, that every connection may hold: long ones that trickle in keep no short one out.
constexpr std::size_t kShortBody = std::size_t{64} << 10;
// For libmicrohttpd to see that its connections are over.
constexpr std::chrono::seconds kCloseTime{10};

struct ResponseReleaser {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, ResponseReleaser>;

void logMessage(void* /*unused*/, const char* format, va_list arguments) try {
    const int number = errno;  // libmicrohttpd logs before it returns.
    std::array<char, 512> text{};
    (void)std::vsnprintf(text.data(), text.size(), format, arguments);
    std::string_view message(text.data());
    if (message.ends_with('\n')) message.remove_suffix(1);
    log::debug("metadata server: {}", message);
    errno = number;
} catch (const std::exception&) {  // No memory: nothing may be thrown through C.
    return;
}

std::size_t unescape(void* /*unused*/, MHD_Connection* /*unused*/, char* text) {
    return decodePercent(text);
}

MHD_Result addParameter(void* query, MHD_ValueKind /*kind*/, const char* name, std::size_t name_size, const char* value,
                        std::size_t value_size) {
    static_cast<Query*>(query)->add({name, name_size}, value == nullptr ? "" : std::string_view(value, value_size));
    return MHD_YES;
}

std::optional<std::string_view> header(MHD_Connection* connection, std::string_view name) {
    const char* value = nullptr;
    std::size_t size = 0;
    if (MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name.data(), name.size(), &value, &size) !=
        MHD_YES) {
        return std::nullopt;
    }
    return value == nullptr ? std::string_view() : std::string_view(value, size);
}

Method methodOf(std::string_view name) {
    if (name == MHD_HTTP_METHOD_GET) return Method::Get;
    if (name == MHD_HTTP_METHOD_PUT) return Method::Put;
    if (name == MHD_HTTP_METHOD_DELETE) return Method::Delete;
    if (name == MHD_HTTP_METHOD_HEAD) return Method::Head;
    return Method::Other;
}

// What a response refers to lives as long as it does.
template <typename Owner>
void release(void* owner) {
    delete static_cast<Owner*>(owner);  // NOLINT(cppcoreguidelines-owning-memory): given to a C library
}

template <typename Owner>
Response ownedResponse(std::unique_ptr<Owner> owner, std::string_view bytes) {
    // libmicrohttpd only reads what it calls a mutable buffer.
    Response response(MHD_create_response_from_buffer_with_free_callback_cls(
        bytes.size(), const_cast<char*>(bytes.data()), release<Owner>, owner.get()));
    if (response) (void)owner.release();  // NOLINT(bugprone-unused-return-value): it is freed with the response
    return response;
}

// Counted for as long as it is being sent.
class ReplyText {
  public:
    ReplyText(std::string text, std::atomic<std::uint64_t>& count) : text_(std::move(text)), count_(count) {
        count_.fetch_add(text_.size());
    }
    ~ReplyText() { count_.fetch_sub(text_.size()); }
    ReplyText(const ReplyText&) = delete;
    ReplyText& operator=(const ReplyText&) = delete;

    std::string_view text() const { return text_; }

  private:
    const std::string text_;
    std::atomic<std::uint64_t>& count_;
};

Response literalResponse(std::string_view text) {
    return Response(
        MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_PERSISTENT));
}

}  // namespace

class HttpDaemon::Impl {
  public:
    Impl(Handler& handler, ServerMetrics& metrics, const Options& options)
        : handler_(handler), metrics_(metrics), options_(options) {}

    Result<void> start();
    void admit(FileDescriptor socket);
    void stop();

  private:
    class Exchange;
    struct StreamBody;

    static MHD_Result onRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                                const char* version, const char* upload, std::size_t* upload_size, void** exchange);
    static void onCompleted(void* self, MHD_Connection* connection, void** exchange, MHD_RequestTerminationCode why);
    static void onConnection(void* self, MHD_Connection* connection, void** context,
                             MHD_ConnectionNotificationCode what);
    static ssize_t readStream(void* body, std::uint64_t position, char* to, std::size_t max);

    MHD_Result answer(Exchange& exchange);
    MHD_Result respond(Exchange& exchange, Reply reply);
    Response responseOf(MHD_Connection* connection, Reply& reply);
    void opened(int socket);
    void closed(int socket);
    void closeAll();
    void resume(MHD_Connection* connection);
    void beginWork() { active_.fetch_add(1); }
    void endWork() {
        if (active_.fetch_sub(1) == 1) active_.notify_all();
    }

    Handler& handler_;
    ServerMetrics& metrics_;
    const Options options_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint32_t> active_ = 0;       // Answers under way and streams that wait.
    std::atomic<std::uint64_t> reply_bytes_ = 0;  // Of pages and other texts, until they have been sent.
    std::size_t next_ = 0;
    std::mutex sockets_mutex_;
    std::condition_variable sockets_changed_;
    std::set<int> sockets_;
    bool closing_ = false;
    std::vector<std::unique_ptr<DaemonThread>> threads_;  // Last: they use the members above.
};

/// A request on its way: its body is received, it is answered at once, or later while the connection is suspended.
class HttpDaemon::Impl::Exchange {
  public:
    enum class State {
        Asked,      ///< The handler has it; nothing is known yet.
        Suspended,  ///< So has libmicrohttpd let go of the connection until the reply is there.
        Answered,   ///< The reply is there.
    };

    Exchange(Impl& server, MHD_Connection* connection, const char* url, const char* method);
    ~Exchange() {
        uncount();
        if (working_) server_.endWork();
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    const Head& head() const { return head_; }
    MHD_Connection* connection() const { return connection_; }
    bool declaresTooMuch() const { return declared_ > server_.options_.max_body_bytes; }
    bool asked() const { return working_; }
    const std::optional<Refusal>& refused() const { return refused_; }
    std::string takeBody() { return std::move(body_); }
    Reply takeReply() { return std::move(reply_); }

    /// False if the client goes on sending in vain.
    bool receive(std::string_view part);
    void beginWork() {
        server_.beginWork();
        working_ = true;
    }
    /// From any thread.
    void complete(Reply reply) {
        uncount();  // Before the client may know: what it sends next finds the room.
        reply_ = std::move(reply);
        auto* const connection = connection_;
        auto& server = server_;
        server.beginWork();  // After this, unless the connection is suspended, this object may be gone.
        if (state_.exchange(State::Answered) == State::Suspended) {
            server.resume(connection);
        } else {
            server.endWork();
        }
    }
    bool answered() const { return state_.load() == State::Answered; }
    void suspend() {
        MHD_suspend_connection(connection_);
        if (state_.exchange(State::Suspended) == State::Answered) {
            state_ = State::Answered;
            server_.beginWork();
            server_.resume(connection_);
        }
    }

  private:
    void refuse(unsigned status, std::string_view reason) {
        refused_ = Refusal{status, reason};
        uncount();
        body_ = {};
    }
    void uncount() { server_.metrics_.body_bytes.fetch_sub(std::exchange(counted_, 0)); }

    Impl& server_;
    MHD_Connection* const connection_;
    Head head_;
    std::uint64_t declared_ = 0;
    std::string body_;
    std::uint64_t counted_ = 0;  // In the metrics.
    std::size_t discarded_ = 0;
    std::optional<Refusal> refused_;
    bool working_ = false;
    std::atomic<State> state_ = State::Asked;
    Reply reply_;
};

struct HttpDaemon::Impl::StreamBody {
    Impl& server;
    MHD_Connection* connection;
    std::shared_ptr<BodyStream> stream;
};

HttpDaemon::Impl::Exchange::Exchange(Impl& server, MHD_Connection* connection, const char* url, const char* method)
    : server_(server), connection_(connection) {
    head_.method = methodOf(method);
    head_.path = url;
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, addParameter, &head_.query);
    if (head_.method == Method::Get || head_.method == Method::Head) return;
    head_.conditions = {.if_match = header(connection, MHD_HTTP_HEADER_IF_MATCH),
                        .if_none_match = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH)};
    if (const auto length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
        std::from_chars(length->data(), length->data() + length->size(), declared_);
    }
}

bool HttpDaemon::Impl::Exchange::receive(std::string_view part) {
    auto& bytes = server_.metrics_.body_bytes;
    const std::size_t size = body_.size() + part.size();
    if (!refused_ && size > server_.options_.max_body_bytes) refuse(413, "the value is too long");
    if (!refused_ && size > kShortBody && bytes.load() + part.size() > server_.options_.max_bodies_bytes) {
        refuse(503, "too many values are being sent at once");
    }
    if (refused_) {
        discarded_ += part.size();
        return discarded_ <= kMaxDiscarded;
    }
    bytes.fetch_add(part.size());
    counted_ += part.size();
    body_.append(part);
    return true;
}

Result<void> HttpDaemon::Impl::start() {
    constexpr unsigned kFlags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                                MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_USE_ERROR_LOG;
    for (unsigned i = 0; i < options_.threads; ++i) {
        errno = 0;
        Daemon daemon(MHD_start_daemon(kFlags, 0, nullptr, nullptr, onRequest, this,                                  //
                                       MHD_OPTION_EXTERNAL_LOGGER, logMessage, nullptr,                               //
                                       MHD_OPTION_UNESCAPE_CALLBACK, unescape, nullptr,                               //
                                       MHD_OPTION_NOTIFY_COMPLETED, onCompleted, this,                                //
                                       MHD_OPTION_NOTIFY_CONNECTION, onConnection, this,                              //
                                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,                         //
                                       MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options_.max_connections),  //
                                       MHD_OPTION_CONNECTION_TIMEOUT,
                                       static_cast<unsigned>(options_.idle_timeout.count()),  //
                                       MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,                  //
                                       MHD_OPTION_END));
        if (!daemon) return failErrno("start the HTTP server", "", errno == 0 ? ENOMEM : errno);
        auto thread = DaemonThread::start(std::move(daemon), options_.max_connections, [this] { endWork(); });
        if (!thread) return std::unexpected(thread.error());
        threads_.push_back(std::move(*thread));
    }
    return {};
}

void HttpDaemon::Impl::admit(FileDescriptor socket) {
    if (metrics_.connections.load() >= options_.max_connections) {
        metrics_.countRefusedConnection();
        constexpr std::string_view kReply =
            "HTTP/1.1 503 Service Unavailable\r\nMc-Metadata: 1\r\nConnection: close\r\n"
            "Content-Type: text/plain\r\nContent-Length: 20\r\n\r\ntoo many connections";
        // What was sent to us and not read would make the kernel drop the reply.
        std::array<char, 4096> unread{};
        (void)::recv(socket.get(), unread.data(), unread.size(), MSG_DONTWAIT);
        (void)::send(socket.get(), kReply.data(), kReply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(socket.get(), SHUT_WR);
        return;
    }
    io::setKeepAlive(socket);
    const auto peer = io::peerAddress(socket);
    metrics_.connections.fetch_add(1);
    auto& thread = *threads_[next_++ % threads_.size()];
    try {
        thread.post([this, &thread, peer, socket = std::move(socket)]() mutable {
            // Closes the socket when it fails.
            if (MHD_add_connection(thread.daemon(), socket.release(), peer.get(), peer.length()) != MHD_YES) {
                metrics_.connections.fetch_sub(1);
            }
        });
    } catch (const std::bad_alloc&) {  // The socket is closed.
        metrics_.connections.fetch_sub(1);
    }
}

// From any thread. Ends work that has been begun, once the connection goes on.
void HttpDaemon::Impl::resume(MHD_Connection* connection) {
    beginWork();  // After that, all may be stopped before this has returned.
    const auto* const daemon = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;
    for (const auto& thread : threads_) {
        if (thread->daemon() != daemon) continue;
        thread->resume(connection);
        break;
    }
    endWork();
}

void HttpDaemon::Impl::stop() {
    stopping_ = true;
    for (auto left = active_.load(); left != 0; left = active_.load())
        active_.wait(left);
    closeAll();
    threads_.clear();
}

// libmicrohttpd 0.9.75 crashes where MHD_stop_daemon comes while it refuses a malformed request: the refusal is not
// queued any more, and then looked at. So there must be no connection by then.
void HttpDaemon::Impl::closeAll() {
    std::unique_lock lock(sockets_mutex_);
    closing_ = true;
    for (const int socket : sockets_)
        ::shutdown(socket, SHUT_RDWR);
    sockets_changed_.wait_for(lock, kCloseTime, [this] { return sockets_.empty(); });
}

void HttpDaemon::Impl::opened(int socket) {
    const std::lock_guard lock(sockets_mutex_);
    sockets_.insert(socket);
    if (closing_) ::shutdown(socket, SHUT_RDWR);
}

void HttpDaemon::Impl::closed(int socket) {
    const std::lock_guard lock(sockets_mutex_);
    sockets_.erase(socket);
    metrics_.connections.fetch_sub(1);
    sockets_changed_.notify_all();
}

MHD_Result HttpDaemon::Impl::onRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                                       const char* /*version*/, const char* upload, std::size_t* upload_size,
                                       void** context) try {
    auto& server = *static_cast<Impl*>(self);
    auto* exchange = static_cast<Exchange*>(*context);
    if (exchange == nullptr) {
        auto created = std::make_unique<Exchange>(server, connection, url, method);
        exchange = created.get();
        *context = created.release();  // onCompleted deletes it.
        if (!exchange->declaresTooMuch()) return MHD_YES;
        return server.respond(*exchange, {.status = 413, .body = std::string_view("the value is too long")});
    }
    if (*upload_size != 0) {
        const bool more = exchange->receive({upload, std::exchange(*upload_size, 0)});
        return more ? MHD_YES : MHD_NO;
    }
    if (exchange->asked()) return server.respond(*exchange, exchange->takeReply());
    return server.answer(*exchange);
} catch (const std::exception& error) {  // No memory: the connection is closed.
    log::warning("metadata server: {}", error.what());
    return MHD_NO;
}

MHD_Result HttpDaemon::Impl::answer(Exchange& exchange) {
    if (const auto& refused = exchange.refused()) {
        return respond(exchange, {.status = refused->status, .body = refused->reason});
    }
    exchange.beginWork();
    if (stopping_) return respond(exchange, {.status = 503, .body = std::string_view("the server is stopping")});
    handler_.handle(exchange.head(), exchange.takeBody(),
                    [&exchange](Reply reply) { exchange.complete(std::move(reply)); });
    if (exchange.answered()) return respond(exchange, exchange.takeReply());
    exchange.suspend();
    return MHD_YES;
}

MHD_Result HttpDaemon::Impl::respond(Exchange& exchange, Reply reply) {
    const auto* text = std::get_if<std::string>(&reply.body);
    if (text != nullptr && reply_bytes_.load() + text->size() > options_.max_bodies_bytes)
        reply = {.status = 503, .body = std::string_view("too many replies are being sent at once")};
    metrics_.countRequest(exchange.head().method, reply.status);
    const auto response = responseOf(exchange.connection(), reply);
    if (!response) return MHD_NO;
    const auto add = [&response](const char* name, const char* value) {
        MHD_add_response_header(response.get(), name, value);
    };
    add("Mc-Metadata", "1");
    add(MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.data());
    if (!reply.version.empty()) add(MHD_HTTP_HEADER_ETAG, ('"' + reply.version + '"').c_str());
    if (!reply.allow.empty()) add(MHD_HTTP_HEADER_ALLOW, reply.allow.data());
    return MHD_queue_response(exchange.connection(), reply.status, response.get());
}

Response HttpDaemon::Impl::responseOf(MHD_Connection* connection, Reply& reply) {
    if (const auto* literal = std::get_if<std::string_view>(&reply.body)) return literalResponse(*literal);
    if (auto* text = std::get_if<std::string>(&reply.body)) {
        auto owner = std::make_unique<ReplyText>(std::move(*text), reply_bytes_);
        const std::string_view bytes = owner->text();
        return ownedResponse(std::move(owner), bytes);
    }
    if (auto* value = std::get_if<std::shared_ptr<const std::string>>(&reply.body)) {
        auto owner = std::make_unique<std::shared_ptr<const std::string>>(std::move(*value));
        const std::string_view bytes = **owner;
        return ownedResponse(std::move(owner), bytes);
    }
    auto body = std::make_unique<StreamBody>(
        StreamBody{*this, connection, std::get<std::shared_ptr<BodyStream>>(std::move(reply.body))});
    Response response(
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, readStream, body.get(), release<StreamBody>));
    if (response) (void)body.release();  // NOLINT(bugprone-unused-return-value): it is freed with the response
    return response;
}

ssize_t HttpDaemon::Impl::readStream(void* cls, std::uint64_t /*position*/, char* to, std::size_t max) try {
    auto& body = *static_cast<StreamBody*>(cls);
    const auto got = body.stream->read({to, max});
    if (!got) return MHD_CONTENT_READER_END_OF_STREAM;
    if (*got > 0) return static_cast<ssize_t>(*got);
    body.server.beginWork();
    MHD_suspend_connection(body.connection);
    body.stream->wait([&server = body.server, connection = body.connection] { server.resume(connection); });
    return 0;
} catch (const std::exception&) {  // No memory.
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

void HttpDaemon::Impl::onCompleted(void* /*self*/, MHD_Connection* /*connection*/, void** exchange,
                                   MHD_RequestTerminationCode /*why*/) {
    delete static_cast<Exchange*>(*exchange);  // NOLINT(cppcoreguidelines-owning-memory): kept by a C library
    *exchange = nullptr;
}

void HttpDaemon::Impl::onConnection(void* self, MHD_Connection* connection, void** /*context*/,
                                    MHD_ConnectionNotificationCode what) try {
    const int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    auto& server = *static_cast<Impl*>(self);
    what == MHD_CONNECTION_NOTIFY_STARTED ? server.opened(socket) : server.closed(socket);
} catch (const std::exception&) {  // No memory to remember it.
    ::shutdown(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, SHUT_RDWR);
}

Result<std::unique_ptr<HttpDaemon>> HttpDaemon::start(Handler& handler, ServerMetrics& metrics,
                                                      const Options& options) {
    auto impl = std::make_unique<Impl>(handler, metrics, options);
    if (auto started = impl->start(); !started) return std::unexpected(started.error());
    return std::unique_ptr<HttpDaemon>(new HttpDaemon(std::move(impl)));
}

HttpDaemon::HttpDaemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpDaemon::~HttpDaemon() {
    stop();
}

void HttpDaemon::admit(FileDescriptor socket) {
    impl_->admit(std::move(socket));
}

void HttpDaemon::stop() {
    impl_->stop();
}

}  // namespace mc::metadata::server
