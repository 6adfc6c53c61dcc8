#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/socket.h"
#include "metadata/wire.h"
#include "temporary.h"

namespace mc::test {

/// Certificates of tests/make_certificates, which says what is there.
class Certificates {
  public:
    Certificates() : directory_(temporaryPath("certificates")) {
        EXPECT_EQ(std::system((std::string(MC_TESTS "/make_certificates ") + directory_).c_str()), 0);
    }
    ~Certificates() { std::filesystem::remove_all(directory_); }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    std::string certificate(const std::string& name) const { return directory_ + "/" + name + ".pem"; }
    std::string key(const std::string& name) const { return directory_ + "/" + name + ".key"; }

  private:
    std::string directory_;
};

/// etcd on free ports, with a directory of its own; it can be killed and come back.
class EtcdServer {
  public:
    struct Tls {
        std::string certificate;
        std::string key;
        std::string client_authority;  ///< Clients have to show a certificate of its.
    };

    explicit EtcdServer(const Tls& tls = {}, std::vector<std::string> arguments = {})
        : directory_(temporaryPath("etcd-" + std::to_string(++made()))), tls_(tls), arguments_(std::move(arguments)) {
        port_ = freePort();
        peer_port_ = freePort();
        start();
    }
    ~EtcdServer() {
        kill();
        std::filesystem::remove_all(directory_);
    }
    EtcdServer(const EtcdServer&) = delete;
    EtcdServer& operator=(const EtcdServer&) = delete;

    void start() {
        const std::string scheme = tls_.certificate.empty() ? "http://" : "https://";
        const std::string url = scheme + endpoint();
        const std::string peer = "http://127.0.0.1:" + std::to_string(peer_port_);
        std::vector<std::string> words{"etcd",
                                       "--data-dir=" + directory_,
                                       "--listen-client-urls=" + url,
                                       "--advertise-client-urls=" + url,
                                       "--listen-peer-urls=" + peer,
                                       "--initial-advertise-peer-urls=" + peer,
                                       "--initial-cluster=default=" + peer,
                                       "--unsafe-no-fsync"};
        if (!tls_.certificate.empty()) {
            words.push_back("--cert-file=" + tls_.certificate);
            words.push_back("--key-file=" + tls_.key);
        }
        if (!tls_.client_authority.empty()) {
            words.push_back("--trusted-ca-file=" + tls_.client_authority);
            words.push_back("--client-cert-auth");
        }
        words.insert(words.end(), arguments_.begin(), arguments_.end());
        run(words);
        awaitHealth();
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    void signal(int number) const { ::kill(pid_, number); }

    std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

    /// What `etcdctl arguments` writes, which must succeed.
    std::string etcdctl(const std::string& arguments) const {
        const auto [status, text] = runEtcdctl(arguments);
        EXPECT_EQ(status, 0) << "etcdctl " << arguments << ": " << text;
        return text;
    }

    /// A port of 127.0.0.1 at which nobody listens.
    static std::uint16_t freePort() { return io::localAddress(io::listenOn(metadata::loopback(), 1).value()).port(); }

  private:
    static int& made() {
        static int count = 0;
        return count;
    }

    void run(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const std::string& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const std::string log = directory_ + ".log";
        pid_ = ::fork();
        ASSERT_GE(pid_, 0);
        if (pid_ != 0) return;
        const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(output, 1);
        ::dup2(output, 2);
        ::execvp("etcd", arguments.data());
        ::_exit(127);
    }

    void awaitHealth() {
        for (int i = 0; i < 600; ++i) {
            ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "etcd (package etcd-server) does not start";
            const auto [status, text] = runEtcdctl("--dial-timeout=1s endpoint health");
            if (status == 0 || text.find("user name is empty") != std::string::npos) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        ADD_FAILURE() << "etcd is not healthy within 30 s";
    }

    std::pair<int, std::string> runEtcdctl(const std::string& arguments) const {
        std::string command = "ETCDCTL_API=3 etcdctl --endpoints=" + endpoint();
        if (!tls_.certificate.empty()) {
            command += " --insecure-transport=false --insecure-skip-tls-verify";
            command += " --cert=" + tls_.certificate + " --key=" + tls_.key;
        }
        FILE* const pipe = ::popen((command + " " + arguments + " 2>&1").c_str(), "re");
        if (pipe == nullptr) return {-1, "popen failed"};
        std::string text;
        std::array<char, 4096> block{};
        for (std::size_t got = 0; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
            text.append(block.data(), got);
        return {::pclose(pipe), text};
    }

    const std::string directory_;
    const Tls tls_;
    const std::vector<std::string> arguments_;
    std::uint16_t port_ = 0;
    std::uint16_t peer_port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace mc::test
