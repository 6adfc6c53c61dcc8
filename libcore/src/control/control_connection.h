#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "control/control_server.h"
#include "io/event_loop.h"

namespace mc::control {

/// One client of the control socket: reads a message, waits for its reply, sends it, reads the next. Used in the loop's
/// thread only.
class ControlConnection final : public io::EventHandler {
  public:
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        /// Takes a message over; deliver() is called with what comes of it.
        virtual void answer(std::uint64_t connection, std::string message) = 0;
        /// Destroys the connection.
        virtual void drop(std::uint64_t connection) = 0;
    };

    ControlConnection(std::uint64_t number, FileDescriptor socket, io::EventLoop& loop,
                      const ControlServerOptions& options, Owner& owner);
    ~ControlConnection() override;
    ControlConnection(const ControlConnection&) = delete;
    ControlConnection& operator=(const ControlConnection&) = delete;

    Result<void> start();
    /// The reply to the message that was answered last; nothing for a notification.
    void deliver(const std::optional<std::string>& reply);
    void onEvents(std::uint32_t events) override;

  private:
    enum class State {
        Reading = 0,   // A message comes in.
        Working = 1,   // Its answer is being made; nothing is read, and the loop doesn't look at the socket.
        Replying = 2,  // The answer goes out.
    };

    // False: the connection is over.
    bool advance();
    bool read();
    bool nextMessage();
    bool reply();
    bool watch(State state);
    void armTimer();

    const std::uint64_t number_;
    const FileDescriptor socket_;
    io::EventLoop& loop_;
    const ControlServerOptions& options_;
    Owner& owner_;
    State state_ = State::Working;  // Until start().
    std::string received_;
    std::size_t scanned_ = 0;  // Of `received_`, up to here there is no end of a message.
    bool input_ended_ = false;
    bool last_reply_ = false;  // Closed after it.
    std::string reply_;
    std::size_t replied_ = 0;
    SteadyClock::time_point progress_ = SteadyClock::now();
    std::optional<io::EventLoop::TimerId> timer_;
};

}  // namespace mc::control
