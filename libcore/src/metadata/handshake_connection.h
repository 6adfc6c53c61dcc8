#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "io/event_loop.h"
#include "metadata/handshake_daemon.h"

namespace mc::metadata {

/// One client of the handshake daemon, from accept to close. Used in the loop's thread only.
class HandshakeConnection : public io::EventHandler {
  public:
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        /// The reply; nothing to close without one.
        virtual std::optional<Frame> answer(const Frame& request) = 0;
        /// Destroys the connection.
        virtual void drop(HandshakeConnection& connection) = 0;
    };

    HandshakeConnection(FileDescriptor socket, io::EventLoop& loop, const HandshakeDaemonOptions& options,
                        Owner& owner);
    HandshakeConnection(const HandshakeConnection&) = delete;
    HandshakeConnection& operator=(const HandshakeConnection&) = delete;
    ~HandshakeConnection() override;

    Result<void> start();
    void onEvents(std::uint32_t events) override;

  private:
    enum class State {
        Reading = 0,    // The request comes in.
        Replying = 1,   // The reply goes out.
        Lingering = 2,  // The reply is out and our side shut; what still comes is dropped until the client closes.
    };

    // False: the connection is to be dropped.
    bool advance();
    bool read();
    bool reply();
    bool linger();

    void enter(State state);
    SteadyClock::time_point deadline() const;
    void armTimer();

    const FileDescriptor socket_;
    io::EventLoop& loop_;
    const HandshakeDaemonOptions& options_;
    Owner& owner_;
    const SteadyClock::time_point started_ = SteadyClock::now();
    SteadyClock::time_point progress_ = started_;  // The last byte that moved; when Lingering, its begin.
    std::optional<io::EventLoop::TimerId> timer_;
    State state_ = State::Reading;
    FrameDecoder decoder_;
    std::string reply_;
    std::size_t replied_ = 0;
};

}  // namespace mc::metadata
