#include "metadata/server/acceptor.h"

#include <sys/epoll.h>

#include <utility>

#include "base/log.h"
#include "io/socket.h"

namespace mc::metadata::server {
namespace {

constexpr int kAcceptsPerEvent = 64;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

class Acceptor::Listener : public io::EventHandler {
  public:
    Listener(FileDescriptor socket, Acceptor& acceptor) : socket_(std::move(socket)), acceptor_(acceptor) {}
    ~Listener() override { rest(); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    Result<void> listen() {
        auto added = acceptor_.thread_->loop().add(socket_.get(), EPOLLIN, *this);
        if (added) listening_ = true;
        return added;
    }
    void rest() {
        if (std::exchange(listening_, false)) acceptor_.thread_->loop().remove(socket_.get());
    }
    void onEvents(std::uint32_t /*events*/) override { acceptor_.acceptFrom(socket_); }

  private:
    FileDescriptor socket_;
    Acceptor& acceptor_;
    bool listening_ = false;
};

Result<std::unique_ptr<Acceptor>> Acceptor::start(std::vector<FileDescriptor> listeners, Admit admit) {
    auto thread = io::LoopThread::start("accept");
    if (!thread) return std::unexpected(thread.error());
    std::unique_ptr<Acceptor> acceptor(new Acceptor(std::move(*thread), std::move(admit)));
    Result<void> listening;
    acceptor->thread_->run([&] {
        for (auto& socket : listeners)
            acceptor->listeners_.push_back(std::make_unique<Listener>(std::move(socket), *acceptor));
        listening = acceptor->listen();
    });
    if (!listening) return std::unexpected(listening.error());
    return acceptor;
}

Acceptor::Acceptor(std::unique_ptr<io::LoopThread> thread, Admit admit)
    : admit_(std::move(admit)), thread_(std::move(thread)) {}

Acceptor::~Acceptor() {
    thread_->run([this] {
        if (pause_) thread_->loop().cancel(*pause_);
        listeners_.clear();
    });
}

Result<void> Acceptor::listen() {
    for (const auto& listener : listeners_) {
        if (auto listening = listener->listen(); !listening) return listening;
    }
    return {};
}

void Acceptor::acceptFrom(const FileDescriptor& listener) {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
        auto socket = io::acceptFrom(listener);
        if (!socket) return pause(socket.error());
        if (!*socket) return;
        admit_(std::move(*socket));
    }
}

// Out of descriptors, the listener stays readable: without a pause the loop would spin.
void Acceptor::pause(const Error& cause) {
    log::debug("metadata server: {}", cause.message);
    for (const auto& listener : listeners_)
        listener->rest();
    pause_ = thread_->loop().at(SteadyClock::now() + kPause, [this] { resume(); });
}

void Acceptor::resume() {
    pause_.reset();
    if (auto listening = listen(); !listening) {
        for (const auto& listener : listeners_)
            listener->rest();
        pause(listening.error());
    }
}

}  // namespace mc::metadata::server
