#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "io/loop_thread.h"

namespace mc::metadata::server {

/// Accepts connections in a thread of its own. It rests for a moment when the process is out of descriptors.
class Acceptor {
  public:
    using Admit = std::function<void(FileDescriptor socket)>;

    /// `admit` is called in that thread.
    static Result<std::unique_ptr<Acceptor>> start(std::vector<FileDescriptor> listeners, Admit admit);
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

  private:
    class Listener;

    Acceptor(std::unique_ptr<io::LoopThread> thread, Admit admit);
    Result<void> listen();
    void acceptFrom(const FileDescriptor& listener);
    void pause(const Error& cause);
    void resume();

    const Admit admit_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::optional<io::EventLoop::TimerId> pause_;
    std::unique_ptr<io::LoopThread> thread_;
};

}  // namespace mc::metadata::server
