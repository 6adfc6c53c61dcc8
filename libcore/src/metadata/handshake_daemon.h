#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "io/loop_thread.h"
#include "metadata/handshake_frame.h"

namespace mc::metadata {

class HandshakeServer;

struct HandshakeDaemonOptions {
    std::size_t max_message_length = kDefaultMaxMessageLength;  ///< Of a request (MC_HANDSHAKE_MAX_LENGTH).
    std::size_t max_connections = 1024;                         ///< Further ones are accepted and closed at once.
    std::chrono::milliseconds idle_timeout{5000};               ///< Between bytes of a request or of its reply.
    std::chrono::milliseconds total_timeout{60000};             ///< From the connection's start to the reply's end.
    std::chrono::milliseconds linger_timeout{5000};             ///< After the reply, for the client to close.
};

/// Answers Mooncake's handshake messages: one request per connection, many connections at once, none of which can hold
/// up another or the process. One thread runs all of it.
class HandshakeDaemon {
  public:
    /// Gets the JSON of a request, which is well-formed, and returns the JSON of the reply. An error closes the
    /// connection without a reply. Runs in the daemon's thread: it must not wait, and not call the daemon.
    using Handler = std::function<Result<std::string>(std::string_view json)>;

    /// Serves the clients of `listeners` (see io::listenOn and io::listenInRange) until stop().
    static Result<std::unique_ptr<HandshakeDaemon>> start(std::vector<FileDescriptor> listeners,
                                                          const HandshakeDaemonOptions& options = {});
    ~HandshakeDaemon();
    HandshakeDaemon(const HandshakeDaemon&) = delete;
    HandshakeDaemon& operator=(const HandshakeDaemon&) = delete;

    /// From now on `handler` answers messages of this type; an empty one unregisters: the reply is `null`. When it
    /// returns, the handler before it runs no more. From any thread but the daemon's.
    void setHandler(MessageType type, Handler handler);

    /// Closes the listeners and all connections; waits for a running handler only. Again: nothing happens. From any
    /// thread but the daemon's.
    void stop();

  private:
    HandshakeDaemon(std::unique_ptr<io::LoopThread> thread, const HandshakeDaemonOptions& options);

    std::unique_ptr<io::LoopThread> thread_;
    std::unique_ptr<HandshakeServer> server_;  // Used in the thread only; empty when the thread ends.
};

}  // namespace mc::metadata
