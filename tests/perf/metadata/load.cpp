// metadata_load PROTOCOL PORT get|set CONNECTIONS VALUE_BYTES KEYS SECONDS
// So many connections to 127.0.0.1, each with one request under way, from one thread; what came in the first fifth of
// the time is not counted. Before reads, all keys are written. Prints one JSON document.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <vector>

#include "protocol.h"

namespace {

using namespace mc::perf;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
    fmt::print(stderr, "metadata_load: {}\n", why);
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): one thread
}

struct Settings {
    std::unique_ptr<Protocol> protocol;
    std::uint16_t port = 0;
    bool set = false;
    std::size_t connections = 0, value_bytes = 0, keys = 0;
    double seconds = 0;
};

struct Connection {
    int socket = -1;
    std::string reply;
    Clock::time_point sent;
};

class Load {
  public:
    explicit Load(Settings settings) : settings_(std::move(settings)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        const std::string value(settings_.value_bytes, 'v');
        for (std::size_t i = 0; i < settings_.keys; ++i) {
            const std::string key = fmt::format("mooncake_ram_node{:06}", i);
            sets_.push_back(settings_.protocol->set(key, value));
            gets_.push_back(settings_.protocol->get(key));
        }
        for (std::size_t i = 0; i < settings_.connections; ++i)
            connections_.push_back(connect());
    }

    void run() {
        if (!settings_.set) writeAll();
        const auto start = Clock::now();
        const auto count_from = start + std::chrono::duration<double>(settings_.seconds / 5);
        const auto end = start + std::chrono::duration<double>(settings_.seconds);
        for (auto& connection : connections_)
            ask(connection);
        auto now = start;
        while (now < end) {
            now = handleEvents([&](Connection& connection, Clock::time_point when) {
                if (when >= count_from)
                    latencies_.push_back(std::chrono::duration<double>(when - connection.sent).count());
                ask(connection);
            });
        }
        report(std::chrono::duration<double>(now - count_from).count());
    }

  private:
    Connection connect() {
        Connection connection{.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(settings_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("connect");
        const int on = 1;
        ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{.events = EPOLLIN, .data = {.u64 = connections_.size()}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
        return connection;
    }

    // One after the other over one connection.
    void writeAll() {
        for (const auto& request : sets_) {
            send(connections_[0], request);
            bool done = false;
            while (!done)
                handleEvents([&done](Connection&, Clock::time_point) { done = true; }, 0);
        }
    }

    void ask(Connection& connection) {
        const auto& requests = settings_.set ? sets_ : gets_;
        send(connection, requests[random_() % requests.size()]);
    }

    static void send(Connection& connection, const std::string& request) {
        connection.sent = Clock::now();
        // A request fits into the socket's buffer: this does not wait.
        if (::send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
            die("send");
        }
    }

    template <typename Done>
    Clock::time_point handleEvents(const Done& done) {
        return handleEvents(done, settings_.set ? 0 : settings_.value_bytes);
    }

    template <typename Done>
    Clock::time_point handleEvents(const Done& done, std::size_t value_bytes) {
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(epoll_, events.data(), events.size(), 10000);
        if (count <= 0) die("no reply for 10 s");
        Clock::time_point now;
        for (int i = 0; i < count; ++i) {
            auto& connection = connections_[events[i].data.u64];
            std::array<char, 16384> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is written
            const auto got = ::recv(connection.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (got <= 0) die("the server closed a connection");
            connection.reply.append(bytes.data(), static_cast<std::size_t>(got));
            now = Clock::now();
            if (settings_.protocol->replyLength(connection.reply) == 0) continue;
            if (!settings_.protocol->isGood(connection.reply, value_bytes)) die("reply: " + connection.reply);
            connection.reply.clear();
            done(connection, now);
        }
        return now;
    }

    void report(double seconds) {
        std::ranges::sort(latencies_);
        if (latencies_.empty()) die("no reply in time");
        const auto quantile = [this](double q) {
            return latencies_[static_cast<std::size_t>(q * static_cast<double>(latencies_.size() - 1))] * 1e6;
        };
        fmt::print(
            "{{\"requests\": {}, \"seconds\": {:.3f}, \"requests_per_s\": {:.1f}, \"p50_us\": {:.0f}, "
            "\"p99_us\": {:.0f}}}\n",
            latencies_.size(), seconds, static_cast<double>(latencies_.size()) / seconds, quantile(0.5),
            quantile(0.99));
    }

    Settings settings_;
    int epoll_;
    std::vector<Connection> connections_;
    std::vector<std::string> gets_, sets_;
    std::vector<double> latencies_;
    std::minstd_rand random_{1};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 8) die("usage: metadata_load PROTOCOL PORT get|set CONNECTIONS VALUE_BYTES KEYS SECONDS");
    Settings settings{.protocol = protocolNamed(argv[1]),
                      .port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10)),
                      .set = std::string_view(argv[3]) == "set",
                      .connections = std::strtoul(argv[4], nullptr, 10),
                      .value_bytes = std::strtoul(argv[5], nullptr, 10),
                      .keys = std::strtoul(argv[6], nullptr, 10),
                      .seconds = std::strtod(argv[7], nullptr)};
    if (!settings.protocol || settings.keys == 0 || settings.connections == 0) die("an argument is wrong");
    Load(std::move(settings)).run();
    return 0;
}
