#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "base/fd.h"

namespace mc::control {

/// Asks a running target over its control socket. One thread at a time.
class ControlClient {
  public:
    /// Unavailable where nobody listens, NotPermitted where the socket is another user's. `timeout` is that of each
    /// call, too.
    static Result<ControlClient> connect(const std::filesystem::path& path, std::chrono::milliseconds timeout);

    /// The result as JSON, or the error that the target told. `params`: JSON, or empty for none.
    Result<std::string> call(std::string_view method, std::string_view params = {});

  private:
    ControlClient(FileDescriptor socket, std::filesystem::path path, std::chrono::milliseconds timeout);
    Result<void> send(std::string_view bytes);
    Result<std::string> receiveLine();

    FileDescriptor socket_;
    std::filesystem::path path_;
    std::chrono::milliseconds timeout_;
    std::string received_;
};

}  // namespace mc::control
