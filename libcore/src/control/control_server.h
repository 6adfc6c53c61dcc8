#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "mc/error.h"

#include "control/control_socket.h"
#include "control/json_rpc.h"

namespace mc::control {

struct ControlServerOptions {
    std::size_t max_message_length = 1 << 20;
    std::size_t max_connections = 64;  ///< Further ones are closed at once.
    /// Without a byte in either direction, while nothing is being worked on.
    std::chrono::milliseconds idle_timeout{60000};
};

/// Answers JSON-RPC 2.0 on a UNIX socket: a message a line, a reply a line, in order on each connection. One thread
/// moves the bytes, so that no client holds up another; a few others run the methods, which may take long, and must
/// bear to be run at the same time. Only root and the user of this process may ask.
class ControlServer {
  public:
    /// Serves until destruction, which waits for the methods that run and then removes the socket.
    static Result<std::unique_ptr<ControlServer>> start(ControlSocket socket, RpcMethods methods,
                                                        const ControlServerOptions& options = {});
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    const std::filesystem::path& path() const;

  private:
    class Impl;
    explicit ControlServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mc::control
