#include "mc-mount/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/errors.h"
#include "base/fd.h"

namespace mc::mount {
namespace {

using nlohmann::json;

constexpr int kReadyFd = 3;
constexpr std::chrono::milliseconds kLook{50};

std::vector<std::string> ownWords() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');)
        words.push_back(word);
    return words;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (std::string& word : words)
        all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

Result<pid_t> start(int ready) {
    std::error_code unread;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", unread).string();
    if (unread) return failErrno("read", "/proc/self/exe", unread.value());
    std::vector<std::string> words = ownWords();
    std::vector<std::string> variables{fmt::format("MC_MOUNT_READY_FD={}", kReadyFd)};
    for (char** variable = environ; *variable != nullptr; ++variable)
        variables.emplace_back(*variable);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ready, kReadyFd);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, kReadyFd + 1);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers(words).data(), pointers(variables).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) return failErrno("start", "a process in the background", error);
    return pid;
}

/// All that comes until the other end closes; false: a signal came before.
bool readAll(int fd, std::string& text, const tools::StopSignals& stop) {
    std::array<char, 4096> part{};
    while (stop.received() == 0) {
        pollfd ready{fd, POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(kLook.count())) != 1) continue;
        const ssize_t got = ::read(fd, part.data(), part.size());
        if (got == 0) return true;
        if (got > 0) text.append(part.data(), static_cast<std::size_t>(got));
    }
    return false;
}

void send(int ready_fd, const json& message) {
    const std::string text = message.dump(-1, ' ', false, json::error_handler_t::replace);
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t written = ::write(ready_fd, rest.data(), rest.size());
        if (written <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    ::close(ready_fd);
}

Result<std::optional<MountEntry>> understand(const std::string& text) {
    try {
        const json message = json::parse(text);
        if (const auto error = message.find("error"); error != message.end()) {
            return fail(static_cast<ErrorCode>(error->at("code").get<int>()), error->at("message").get<std::string>(),
                        error->at("hint").get<std::string>());
        }
        auto entries = decodeState(message.at("state").get<std::string>());
        if (!entries) return std::unexpected(entries.error());
        return std::move(entries->at(0));
    } catch (const std::exception&) {
        return fail(ErrorCode::Internal, "the process in the background ended without a word",
                    "mc-mount add --foreground shows what it says");
    }
}

}  // namespace

Result<std::optional<MountEntry>> startInBackground(tools::StopSignals& stop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failErrno("pipe", "", errno);
    const FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);
    const auto pid = start(writing.get());
    if (!pid) return std::unexpected(pid.error());
    writing.reset();
    std::string text;
    const bool told = readAll(reading.get(), text, stop);
    if (!told) ::kill(*pid, SIGTERM);
    // One that serves goes on without us; one that failed, or was told to stop, ends now.
    auto mounted = told ? understand(text) : Result<std::optional<MountEntry>>(std::nullopt);
    if (!mounted || !*mounted) ::waitpid(*pid, nullptr, 0);
    return mounted;
}

void announceMounted(int ready_fd, const MountEntry& entry) {
    send(ready_fd, {{"state", encodeState({entry})}});
}

void announceError(int ready_fd, const Error& error) {
    send(ready_fd,
         {{"error", {{"code", static_cast<int>(error.code)}, {"message", error.message}, {"hint", error.hint}}}});
}

Result<void> detach(const std::string& log_file) {
    const std::string name = log_file.empty() ? "/dev/null" : log_file;
    const FileDescriptor log(::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!log) return failErrno("open", name, errno);
    if (::dup2(log.get(), STDERR_FILENO) < 0) return failErrno("dup2", name, errno);
    if (::chdir("/") != 0) return failErrno("chdir", "/", errno);
    return {};
}

}  // namespace mc::mount
