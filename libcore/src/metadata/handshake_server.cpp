#include "metadata/handshake_server.h"

#include <sys/epoll.h>

#include <exception>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "io/socket.h"
#include "metadata/json_members.h"

namespace mc::metadata {
namespace {

constexpr int kAcceptsPerEvent = 64;  // Then the clients that are there have their turn.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

class HandshakeServer::Listener : public io::EventHandler {
  public:
    Listener(FileDescriptor socket, HandshakeServer& server) : socket_(std::move(socket)), server_(server) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override { server_.loop_.remove(socket_.get()); }

    Result<void> listen() { return server_.loop_.add(socket_.get(), EPOLLIN, *this); }
    void rest() { server_.loop_.remove(socket_.get()); }
    void onEvents(std::uint32_t /*events*/) override { server_.acceptClients(socket_); }

  private:
    const FileDescriptor socket_;
    HandshakeServer& server_;
};

HandshakeServer::HandshakeServer(io::EventLoop& loop, const HandshakeDaemonOptions& options)
    : loop_(loop), options_(options) {}

HandshakeServer::~HandshakeServer() = default;

Result<void> HandshakeServer::serve(std::vector<FileDescriptor> listeners) {
    for (auto& socket : listeners) {
        listeners_.push_back(std::make_unique<Listener>(std::move(socket), *this));
        if (auto listening = listeners_.back()->listen(); !listening) return listening;
    }
    return {};
}

void HandshakeServer::stop() {
    if (pause_) loop_.cancel(*std::exchange(pause_, std::nullopt));
    listeners_.clear();
    connections_.clear();
}

void HandshakeServer::setHandler(MessageType type, HandshakeDaemon::Handler handler) {
    handlers_.at(static_cast<std::size_t>(type)) = std::move(handler);
}

void HandshakeServer::acceptClients(const FileDescriptor& listener) {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
        auto socket = io::acceptFrom(listener);
        if (!socket) return pause(socket.error());
        if (!*socket) return;
        if (connections_.size() < options_.max_connections) admit(std::move(*socket));
    }
}

void HandshakeServer::admit(FileDescriptor socket) {
    try {
        auto connection = std::make_unique<HandshakeConnection>(std::move(socket), loop_, options_, *this);
        if (!connection->start()) return;
        auto* const key = connection.get();
        connections_.emplace(key, std::move(connection));
    } catch (const std::exception& error) {  // No memory: the client is closed.
        log::warning("handshake: {}", error.what());
    }
}

void HandshakeServer::drop(HandshakeConnection& connection) {
    connections_.erase(&connection);
}

// Out of descriptors, the listener stays readable: without a pause the loop would spin.
void HandshakeServer::pause(const Error& cause) {
    log::debug("handshake: {}", cause.message);
    for (const auto& listener : listeners_) {
        listener->rest();
    }
    pause_ = loop_.at(SteadyClock::now() + kPause, [this] { resume(); });
}

void HandshakeServer::resume() {
    pause_.reset();
    for (const auto& listener : listeners_) {
        if (auto listening = listener->listen(); !listening) return pause(listening.error());
    }
}

std::optional<Frame> HandshakeServer::answer(const Frame& request) {
    if (!isJson(request.json)) {
        log::debug("handshake: a message that is no JSON");
        return std::nullopt;
    }
    Frame reply{request.type, request.old_format, "null"};
    const auto& handler = handlers_.at(static_cast<std::size_t>(request.type));
    if (!handler) return reply;
    auto json = handler(request.json);
    if (!json) {
        log::debug("handshake: {}", json.error().message);
        return std::nullopt;
    }
    reply.json = std::move(*json);
    return reply;
}

}  // namespace mc::metadata
