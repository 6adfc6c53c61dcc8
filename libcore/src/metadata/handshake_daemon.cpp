#include "metadata/handshake_daemon.h"

#include <utility>

#include "metadata/handshake_server.h"

namespace mc::metadata {

Result<std::unique_ptr<HandshakeDaemon>> HandshakeDaemon::start(std::vector<FileDescriptor> listeners,
                                                                const HandshakeDaemonOptions& options) {
    auto thread = io::LoopThread::start("mc-handshake");
    if (!thread) return std::unexpected(thread.error());
    std::unique_ptr<HandshakeDaemon> daemon(new HandshakeDaemon(std::move(*thread), options));
    Result<void> serving;
    daemon->thread_->run([&] { serving = daemon->server_->serve(std::move(listeners)); });
    if (!serving) return std::unexpected(serving.error());
    return daemon;
}

HandshakeDaemon::HandshakeDaemon(std::unique_ptr<io::LoopThread> thread, const HandshakeDaemonOptions& options)
    : thread_(std::move(thread)), server_(std::make_unique<HandshakeServer>(thread_->loop(), options)) {}

HandshakeDaemon::~HandshakeDaemon() {
    stop();
}

void HandshakeDaemon::setHandler(MessageType type, Handler handler) {
    thread_->run([&] { server_->setHandler(type, std::move(handler)); });
}

void HandshakeDaemon::stop() {
    thread_->run([this] { server_->stop(); });
}

}  // namespace mc::metadata
