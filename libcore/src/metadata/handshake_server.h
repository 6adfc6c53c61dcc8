#pragma once

#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "metadata/handshake_connection.h"

namespace mc::metadata {

/// What of the handshake daemon lives in its thread: listeners, connections, handlers.
class HandshakeServer : public HandshakeConnection::Owner {
  public:
    HandshakeServer(io::EventLoop& loop, const HandshakeDaemonOptions& options);
    ~HandshakeServer() override;

    Result<void> serve(std::vector<FileDescriptor> listeners);
    void stop();
    void setHandler(MessageType type, HandshakeDaemon::Handler handler);

    std::optional<Frame> answer(const Frame& request) override;
    void drop(HandshakeConnection& connection) override;

  private:
    class Listener;

    void acceptClients(const FileDescriptor& listener);
    void admit(FileDescriptor socket);
    void pause(const Error& cause);
    void resume();

    io::EventLoop& loop_;
    const HandshakeDaemonOptions options_;
    std::array<HandshakeDaemon::Handler, kMessageTypes> handlers_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::optional<io::EventLoop::TimerId> pause_;
    std::unordered_map<HandshakeConnection*, std::unique_ptr<HandshakeConnection>> connections_;
};

}  // namespace mc::metadata
