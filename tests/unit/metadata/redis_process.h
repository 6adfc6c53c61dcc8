#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "io/socket.h"
#include "metadata/redis_store.h"
#include "metadata/wire.h"
#include "temporary.h"

namespace mc::metadata {

/// A redis-server on a free port of the loopback, with a directory of its own.
class RedisProcess {
  public:
    explicit RedisProcess(std::vector<std::string> arguments = {}) : arguments_(std::move(arguments)) {
        std::filesystem::create_directories(directory_);
        port_ = io::localAddress(*io::listenOn(loopback(), 1)).port();
        start();
    }
    ~RedisProcess() {
        kill();
        std::filesystem::remove_all(directory_);
    }
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;

    std::uint16_t port() const { return port_; }
    std::string uri() const { return "redis://127.0.0.1:" + std::to_string(port_); }
    std::unique_ptr<Store> store(const StoreOptions& options = {.connect_timeout = std::chrono::seconds(20),
                                                                .timeout = std::chrono::seconds(20)}) const {
        return RedisStore::open(uri(), options).value();
    }

    /// Returns when it is ready.
    void start() {
        std::vector<std::string> command{"redis-server", "--bind",   "127.0.0.1", "--port", std::to_string(port_),
                                         "--dir",        directory_, "--save",    "",       "--enable-debug-command",
                                         "yes"};
        command.insert(command.end(), arguments_.begin(), arguments_.end());
        std::array<int, 2> output{};
        ASSERT_EQ(::pipe2(output.data(), O_CLOEXEC), 0);
        const FileDescriptor reader(output[0]);
        FileDescriptor writer(output[1]);
        ASSERT_NO_FATAL_FAILURE(spawn(command, writer.get()));
        writer.reset();
        EXPECT_TRUE(readUntil(reader, "eady to accept connections")) << "is redis-server installed?";
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGCONT);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    /// Neither answers nor refuses until it is started or continued.
    void stop() const { ::kill(pid_, SIGSTOP); }
    void resume() const { ::kill(pid_, SIGCONT); }

    /// What redis-cli prints, as it is; arguments are words of a shell.
    std::string cli(const std::string& words) const {
        const std::string command = "redis-cli -p " + std::to_string(port_) + " " + words + " 2>&1";
        FILE* const pipe = ::popen(command.c_str(), "r");
        std::string output;
        std::array<char, 4096> block{};
        while (const auto got = std::fread(block.data(), 1, block.size(), pipe))
            output.append(block.data(), got);
        ::pclose(pipe);
        return output;
    }

  private:
    void spawn(std::vector<std::string>& command, int output) {
        std::vector<char*> words;
        for (auto& word : command)
            words.push_back(word.data());
        words.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        const int failed = ::posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ASSERT_EQ(failed, 0) << "redis-server is not installed (tools/setup --tests)";
    }

    static bool readUntil(const FileDescriptor& output, std::string_view text) {
        std::string all;
        std::array<char, 4096> block{};
        while (!all.contains(text)) {
            const auto got = ::read(output.get(), block.data(), block.size());
            if (got <= 0) return false;
            all.append(block.data(), static_cast<std::size_t>(got));
        }
        return true;
    }

    const std::vector<std::string> arguments_;
    const std::string directory_ = test::temporaryPath("redis");
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace mc::metadata
