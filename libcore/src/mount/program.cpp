#include "mount/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::mount {
namespace {

constexpr std::size_t kMostOutput = std::size_t{64} << 10;

/// What posix_spawn is to do with the descriptors.
class FileActions {
  public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    posix_spawn_file_actions_t* get() { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

/// Signals as a program expects them, whatever this one has blocked or ignored.
class Attributes {
  public:
    Attributes() {
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

Result<pid_t> start(const std::vector<std::string>& words, int output) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    FileActions actions;
    ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(actions.get(), output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(actions.get(), output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1);
    const Attributes attributes;
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, words.front().c_str(), actions.get(), attributes.get(), arguments.data(), environ);
    if (error == ENOENT)
        return fail(ErrorCode::NoInput, fmt::format("run {}: there is no such program", words.front()));
    if (error != 0) return failErrno("run", words.front(), error);
    return pid;
}

/// Reads until the end; false at the deadline.
bool readAll(int fd, std::string& text, Deadline deadline) {
    std::array<char, 4096> part{};
    for (;;) {
        int patience = -1;
        if (deadline) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now());
            patience = static_cast<int>(std::max<std::int64_t>(0, left.count()));
        }
        pollfd ready{fd, POLLIN, 0};
        const int count = ::poll(&ready, 1, patience);
        if (count == 0) return false;
        if (count < 0) continue;
        const ssize_t got = ::read(fd, part.data(), part.size());
        if (got == 0) return true;
        if (got > 0) text.append(part.data(), std::min(static_cast<std::size_t>(got), kMostOutput - text.size()));
        if (got < 0 && errno != EINTR) return true;
    }
}

}  // namespace

Result<ProgramResult> runProgram(const std::vector<std::string>& words, Deadline deadline) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failErrno("pipe", "", errno);
    const FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);
    const auto pid = start(words, writing.get());
    if (!pid) return std::unexpected(pid.error());
    writing.reset();
    ProgramResult result;
    const bool ended = readAll(reading.get(), result.output, deadline);
    if (!ended) ::kill(*pid, SIGKILL);
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) return fail(ErrorCode::TimedOut, fmt::format("run {}: it did not end in time", words.front()));
    constexpr int kSignaled = 128;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignaled + WTERMSIG(status);
    return result;
}

}  // namespace mc::mount
