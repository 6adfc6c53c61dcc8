#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <string>

#include "mc/engine.h"

namespace mc::test {

/// An engine that serves memory, in a process of its own that can be killed. The memory is shared, so that what was
/// written to it is seen afterwards. Make it before any thread starts.
class TargetProcess {
  public:
    explicit TargetProcess(std::size_t size)
        : memory_(
              static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
              size) {
        for (std::size_t i = 0; i < size; ++i) {
            memory_[i] = static_cast<std::byte>((i * 131) >> 7);
        }
    }
    ~TargetProcess() {
        kill();
        ::munmap(memory_.data(), memory_.size());
    }
    TargetProcess(const TargetProcess&) = delete;
    TargetProcess& operator=(const TargetProcess&) = delete;

    /// Starts it (again); returns its segment's name. `name`: host, or host:port.
    std::string start(const std::string& name = "127.0.0.1") {
        std::array<int, 2> ready{};
        EXPECT_EQ(::pipe(ready.data()), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ready[0]);
            serve(name, ready[1]);
        }
        ::close(ready[1]);
        std::string segment(64, '\0');
        const ssize_t got = ::read(ready[0], segment.data(), segment.size());
        ::close(ready[0]);
        segment.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        EXPECT_NE(segment, "") << "the target did not start";
        return segment;
    }
    void signal(int number) const { ::kill(pid_, number); }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    std::span<std::byte> memory() const { return memory_; }

  private:
    [[noreturn]] void serve(const std::string& name, int ready) const {
        TransferEngine engine;
        if (!engine.init("P2PHANDSHAKE", name) || !engine.installTransport("tcp") ||
            !engine.registerLocalMemory(memory_.data(), memory_.size())) {
            ::_exit(1);
        }
        const std::string segment = engine.localServerName();
        (void)!::write(ready, segment.data(), segment.size());
        ::close(ready);
        for (;;) {
            ::pause();
        }
    }

    std::span<std::byte> memory_;
    pid_t pid_ = -1;
};

}  // namespace mc::test
