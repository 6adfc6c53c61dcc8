#include "metadata/server/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <latch>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "metadata/memory_store.h"
#include "metadata/server/http_client.h"
#include "metadata/server/watch_stream.h"
#include "metadata/sqlite_store.h"
#include "temporary.h"

namespace mc::metadata::server {
namespace {

using nlohmann::json;

std::size_t openDescriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class HttpServerTest : public testing::Test {
  protected:
    void start(const HttpServerOptions& options = {}, std::uint64_t max_bytes = std::uint64_t{1} << 30) {
        store_ = std::make_unique<MemoryStore>(max_bytes);
        serve(options);
    }
    void startDurable() {
        const std::string path = test::temporaryPath("server.db");
        for (const auto* suffix : {"", "-wal"})
            ::unlink((path + suffix).c_str());
        store_ = SqliteStore::open({.path = path}).value();
        serve({});
    }
    void stop() { server_.reset(); }

    HttpClient connect() { return HttpClient(port_); }
    HttpResponse request(std::string_view method, std::string_view target, std::string_view body = {},
                         std::string_view headers = {}) {
        return connect().request(method, target, body, headers);
    }

    /// A metric's value, or "none". Asked over a connection of its own that stays.
    std::string metric(const std::string& name) {
        auto reply = observer_ ? observer_->request("GET", "/metrics") : HttpResponse{};
        if (reply.status == 0) reply = observer_.emplace(port_).request("GET", "/metrics");
        const std::string text = "\n" + reply.body;
        const auto at = text.find("\n" + name + " ");
        if (at == std::string::npos) return "none";
        const auto value = at + name.size() + 2;
        return text.substr(value, text.find('\n', value) - value);
    }

    /// Until the metric has this value.
    void waitFor(const std::string& name, std::string_view value) {
        while (metric(name) != value)
            std::this_thread::yield();
    }

    std::uint16_t port_ = 0;
    std::unique_ptr<LocalStore> store_;
    std::unique_ptr<HttpServer> server_;
    std::optional<HttpClient> observer_;

    void serve(const HttpServerOptions& options) {
        std::vector<FileDescriptor> listeners;
        listeners.push_back(io::listenOn(io::resolve("127.0.0.1", 0)->front(), 4096).value());
        port_ = io::localAddress(listeners.back()).port();
        server_ = HttpServer::start(*store_, std::move(listeners), options).value();
    }
};

TEST_F(HttpServerTest, SpeaksTheProtocolOfTheStockServers) {
    start();
    auto client = connect();
    const auto missing = client.request("GET", "/metadata?key=mooncake%2Fram%2Fn1");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.body, "metadata not found");
    EXPECT_EQ(missing.header("Mc-Metadata"), "1");
    const auto put =
        client.request("PUT", "/metadata?key=mooncake%2Fram%2Fn1", R"({"a":1})", "Content-Type: application/json\r\n");
    EXPECT_EQ(put.status, 200);
    EXPECT_EQ(put.body, "metadata updated");
    const auto got = client.request("GET", "/metadata?key=mooncake%2Fram%2Fn1");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, R"({"a":1})");
    EXPECT_EQ(got.header("Content-Type"), "application/json");
    EXPECT_EQ(got.header("ETag"), put.header("ETag"));
    EXPECT_EQ(got.header("ETag"), '"' + store_->get("mooncake/ram/n1", std::nullopt)->version + '"');
    const auto head = client.request("HEAD", "/metadata?key=mooncake%2Fram%2Fn1");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("Content-Length"), "7");
    EXPECT_EQ(client.request("DELETE", "/metadata?key=mooncake%2Fram%2Fn1").body, "metadata deleted");
    const auto gone = client.request("DELETE", "/metadata?key=mooncake%2Fram%2Fn1");
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(gone.body, "metadata not found");
}

TEST_F(HttpServerTest, ACrashedEngineRejoinsUnderItsName) {
    start();
    EXPECT_EQ(request("PUT", "/metadata?key=mooncake%2Frpc_meta%2Fn1", R"({"rpc_port":1})").status, 200);
    EXPECT_EQ(request("PUT", "/metadata?key=mooncake%2Frpc_meta%2Fn1", R"({"rpc_port":2})").status, 200);
    EXPECT_EQ(request("GET", "/metadata?key=mooncake%2Frpc_meta%2Fn1").body, R"({"rpc_port":2})");
}

TEST_F(HttpServerTest, KeepsPreconditions) {
    start();
    auto client = connect();
    const std::string absent = "If-None-Match: *\r\n";
    const auto first = client.request("PUT", "/metadata?key=k", "1", absent);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(client.request("PUT", "/metadata?key=k", "2", absent).status, 412);
    const std::string match = "If-Match: " + first.header("ETag") + "\r\n";
    EXPECT_EQ(client.request("PUT", "/metadata?key=k", "2", match).status, 200);
    EXPECT_EQ(client.request("PUT", "/metadata?key=k", "3", match).status, 412);
    EXPECT_EQ(client.request("DELETE", "/metadata?key=k", "", match).status, 412);
    EXPECT_EQ(client.request("DELETE", "/metadata?key=none", "", match).status, 412);
    EXPECT_EQ(client.request("PUT", "/metadata?key=k", "3", "If-Match: 1\r\n").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=k").body, "2");
}

TEST_F(HttpServerTest, RefusesWithTheRightStatusAndGoesOn) {
    start();
    auto client = connect();
    EXPECT_EQ(client.request("GET", "/metadata").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=a&prefix=b").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=%ff").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=a%").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?key=a%zz").status, 400);
    EXPECT_EQ(client.request("PUT", "/metadata?key=k", "\xff").status, 400);
    EXPECT_EQ(client.request("PUT", "/metadata?prefix=k", "x").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?prefix=&limit=0").status, 400);
    EXPECT_EQ(client.request("GET", "/metadata?prefix=a&after=b").status, 400);
    EXPECT_EQ(client.request("GET", "/other").status, 404);
    EXPECT_EQ(client.request("GET", "/metadata/?key=k").status, 404);
    const auto post = client.request("POST", "/metadata?key=k", "x");
    EXPECT_EQ(post.status, 405);
    EXPECT_EQ(post.header("Allow"), "GET, HEAD, PUT, DELETE");
    const auto put = client.request("PUT", "/health", "x");
    EXPECT_EQ(put.status, 405);
    EXPECT_EQ(put.header("Allow"), "GET, HEAD");
    EXPECT_EQ(client.request("GET", "/health").status, 200) << "on the same connection";
    EXPECT_EQ(store_->usage().keys, 0);
}

TEST_F(HttpServerTest, TheLongestKeyWithEveryByteEncodedIsTaken) {
    start();
    std::string encoded;
    for (int i = 0; i < 4096; ++i)
        encoded += "%2F";
    EXPECT_EQ(request("PUT", "/metadata?key=" + encoded, "v").status, 200);
    EXPECT_EQ(request("GET", "/metadata?key=" + encoded).body, "v");
    EXPECT_EQ(store_->get(std::string(4096, '/'), std::nullopt)->value, "v");
    EXPECT_EQ(request("GET", "/metadata?key=" + encoded + "x").status, 414);
}

TEST_F(HttpServerTest, KeysMayHaveNulAndPlusAndSpace) {
    start();
    EXPECT_EQ(request("PUT", "/metadata?key=a%00b", "nul").status, 200);
    EXPECT_EQ(request("PUT", "/metadata?key=a%2Bb%20c", "plus").status, 200);
    EXPECT_EQ(store_->get(std::string_view("a\0b", 3), std::nullopt)->value, "nul");
    EXPECT_EQ(store_->get("a+b c", std::nullopt)->value, "plus");
}

TEST_F(HttpServerTest, BoundsValues) {
    start({.max_value_bytes = 100000});
    EXPECT_EQ(request("PUT", "/metadata?key=k", std::string(100000, 'x')).status, 200);
    EXPECT_EQ(request("PUT", "/metadata?key=k", std::string(100001, 'y')).status, 413);
    std::string chunked = "PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 3; ++i)
        chunked += "c350\r\n" + std::string(50000, 'z') + "\r\n";
    auto client = connect();
    ASSERT_TRUE(client.send(chunked + "0\r\n\r\n"));
    EXPECT_EQ(client.readResponse().status, 413) << "a length that is not declared";
    EXPECT_EQ(store_->get("k", std::nullopt)->value, std::string(100000, 'x'));
    waitFor("mc_metadata_body_bytes", "0");
}

TEST_F(HttpServerTest, BoundsAllBodiesTogether) {
    start({.max_value_bytes = 100000, .max_bodies_bytes = 150000});
    auto slow = connect();
    ASSERT_TRUE(slow.send("PUT /metadata?key=a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
                          std::string(99999, 'x')));
    waitFor("mc_metadata_body_bytes", "99999");
    EXPECT_EQ(request("PUT", "/metadata?key=b", std::string(70000, 'x')).status, 503);
    EXPECT_EQ(request("PUT", "/metadata?key=b", std::string(60000, 'x')).status, 200)
        << "a short one always finds room";
    EXPECT_EQ(metric("mc_metadata_body_bytes"), "99999") << "what is answered takes no room";
    ASSERT_TRUE(slow.send("x"));
    EXPECT_EQ(slow.readResponse().status, 200);
}

TEST_F(HttpServerTest, AFullStoreIs507) {
    start({}, 1200);  // An entry costs something besides.
    EXPECT_EQ(request("PUT", "/metadata?key=k", std::string(999, 'x')).status, 200);
    EXPECT_EQ(request("PUT", "/metadata?key=l", "x").status, 507);
    EXPECT_EQ(request("PUT", "/metadata?key=k", "x").status, 200);
    EXPECT_EQ(request("PUT", "/metadata?key=l", "x").status, 200);
}

TEST_F(HttpServerTest, ListsInPages) {
    start();
    for (const auto* key : {"a/3", "a/1", "b/1", "a/2"})
        ASSERT_EQ(request("PUT", std::string("/metadata?key=") + key, key).status, 200);
    const auto first = json::parse(request("GET", "/metadata?prefix=a%2F&limit=2").body);
    EXPECT_EQ(first["schema_version"], 1);
    ASSERT_EQ(first["items"].size(), 2);
    EXPECT_EQ(first["items"][0]["key"], "a/1");
    EXPECT_EQ(first["items"][1]["value"], "a/2");
    EXPECT_EQ(first["items"][0]["version"], store_->get("a/1", std::nullopt)->version);
    EXPECT_EQ(first["continuation"], "a/2");
    const auto second = json::parse(request("GET", "/metadata?prefix=a%2F&limit=2&after=a%2F2").body);
    EXPECT_EQ(second["items"].size(), 1);
    EXPECT_EQ(second["continuation"], "");
    EXPECT_EQ(json::parse(request("GET", "/metadata?prefix=").body)["items"].size(), 4);
    EXPECT_EQ(request("GET", "/metadata?prefix=c").body, R"({"schema_version":1,"items":[],"continuation":""})");
}

TEST_F(HttpServerTest, APageIsBoundedInBytes) {
    start();
    const std::string large(std::size_t{5} << 20, 'x');
    for (const auto* key : {"a", "b", "c"})
        ASSERT_TRUE(store_->put(key, large, Precondition::any(), std::nullopt));
    const auto page = json::parse(request("GET", "/metadata?prefix=").body);
    EXPECT_EQ(page["items"].size(), 1);
    EXPECT_EQ(page["continuation"], "a");
}

TEST_F(HttpServerTest, AWatchSeesChangesInOrder) {
    start();
    ASSERT_EQ(request("PUT", "/metadata?key=a%2F0", "before").status, 200);
    auto watcher = connect();
    ASSERT_TRUE(watcher.sendRequest("GET", "/metadata?watch=a%2F"));
    const auto head = watcher.readResponse();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("Content-Type"), "application/x-ndjson");
    const auto hello = json::parse(*watcher.readStreamLine());
    EXPECT_EQ(hello["watching"], "a/");
    EXPECT_EQ(hello["version"], store_->revision());
    const auto put = request("PUT", "/metadata?key=a%2F1", "x");
    request("PUT", "/metadata?key=b%2F1", "elsewhere");
    request("DELETE", "/metadata?key=a%2F0");
    const auto first = json::parse(*watcher.readStreamLine());
    EXPECT_EQ(first["type"], "put");
    EXPECT_EQ(first["key"], "a/1");
    EXPECT_EQ(first["value"], "x");
    EXPECT_EQ('"' + first["version"].get<std::string>() + '"', put.header("ETag"));
    EXPECT_EQ(watcher.readStreamLine(), R"({"type":"remove","key":"a/0"})");
}

TEST_F(HttpServerTest, AWatchBeatsAndItsEndIsNoticed) {
    start({.heartbeat = std::chrono::milliseconds(20)});
    {
        auto watcher = connect();
        ASSERT_TRUE(watcher.sendRequest("GET", "/metadata?watch="));
        watcher.readResponse();
        // Beats that came together are one chunk.
        std::string stream;
        while (std::ranges::count(stream, '\n') < 3)
            stream += watcher.readChunk().value_or("the end\n\n\n");
        EXPECT_THAT(stream, testing::MatchesRegex("\\{\"watching\":\"\",\"version\":\"[0-9]+\"\\}\n\n\n+"));
        EXPECT_EQ(metric("mc_metadata_watches"), "1");
    }
    waitFor("mc_metadata_watches", "0");
    waitFor("mc_metadata_connections", "1");  // The one that asks.
}

TEST_F(HttpServerTest, TooManyWatchesAreRefused) {
    start({.max_watches = 1});
    auto watcher = connect();
    ASSERT_TRUE(watcher.sendRequest("GET", "/metadata?watch="));
    EXPECT_EQ(watcher.readResponse().status, 200);
    EXPECT_EQ(request("GET", "/metadata?watch=").status, 503);
}

TEST_F(HttpServerTest, PagesThatNobodyReadsAreFew) {
    start({.max_bodies_bytes = 40 << 20});
    ASSERT_TRUE(store_->put("k", std::string(16 << 20, 'x'), Precondition::any(), std::nullopt));
    std::vector<HttpClient> readers;
    int refused = 0;
    for (int i = 0; i < 10; ++i) {
        readers.push_back(connect());
        ASSERT_TRUE(readers.back().sendRequest("GET", "/metadata?prefix="));
    }
    for (auto& reader : readers) {
        const auto status = reader.readResponse().status;
        EXPECT_THAT(status, testing::AnyOf(200, 503));
        refused += static_cast<int>(status == 503);
    }
    EXPECT_GT(refused, 0);
    // Once the server has noticed that all has been read.
    while (request("GET", "/metadata?prefix=").status != 200)
        std::this_thread::yield();
}

TEST_F(HttpServerTest, AWatchThatIsNotReadIsEnded) {
    start();
    auto watcher = connect();
    ASSERT_TRUE(watcher.sendRequest("GET", "/metadata?watch="));
    ASSERT_EQ(watcher.readResponse().status, 200);
    // One that reads shows when the other one has been offered the same.
    auto reader = connect();
    ASSERT_TRUE(reader.sendRequest("GET", "/metadata?watch="));
    ASSERT_EQ(reader.readResponse().status, 200);
    ASSERT_TRUE(reader.readStreamLine());
    const std::string large(std::size_t{1} << 20, 'x');
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(store_->put("k", large, Precondition::any(), std::nullopt));
        ASSERT_TRUE(reader.readStreamLine());
    }
    std::string last;
    while (const auto line = watcher.readStreamLine())
        last = *line;
    EXPECT_EQ(last, R"({"error":"too slow"})");
}

TEST_F(HttpServerTest, StoppingEndsWatchesAndConnections) {
    start();
    auto watcher = connect();
    ASSERT_TRUE(watcher.sendRequest("GET", "/metadata?watch="));
    ASSERT_EQ(watcher.readResponse().status, 200);
    auto idle = connect();
    ASSERT_EQ(idle.request("GET", "/health").status, 200);
    std::jthread stopper([this] { stop(); });
    EXPECT_TRUE(idle.readsEnd());
    EXPECT_TRUE(watcher.readsEnd());
}

TEST_F(HttpServerTest, ReportsHealthAndMetrics) {
    start();
    request("PUT", "/metadata?key=k", "value");
    request("GET", "/metadata?key=k");
    request("GET", "/metadata?key=none");
    EXPECT_EQ(request("GET", "/health").body, R"({"status":"ok"})");
    const auto metrics = request("GET", "/metrics");
    EXPECT_EQ(metrics.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(metric("mc_metadata_requests_total{method=\"PUT\",status=\"200\"}"), "1");
    EXPECT_EQ(metric("mc_metadata_requests_total{method=\"GET\",status=\"404\"}"), "1");
    EXPECT_EQ(metric("mc_metadata_keys"), "1");
    EXPECT_EQ(metric("mc_metadata_bytes"), "6");
    waitFor("mc_metadata_connections", "1");
}

TEST_F(HttpServerTest, ServesADurableStoreToManyWritersAtOnce) {
    startDurable();
    constexpr int kClients = 20;
    std::vector<HttpClient> clients;
    for (int i = 0; i < kClients; ++i)
        clients.push_back(connect());
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < kClients; ++i)
            ASSERT_TRUE(clients[i].sendRequest("PUT", "/metadata?key=k" + std::to_string(i), std::to_string(round)));
        for (auto& client : clients)
            ASSERT_EQ(client.readResponse().status, 200);
    }
    for (int i = 0; i < kClients; ++i)
        EXPECT_EQ(clients[i].request("GET", "/metadata?key=k" + std::to_string(i)).body, "9");
    EXPECT_EQ(clients[0].request("DELETE", "/metadata?key=k0").status, 200);
    EXPECT_EQ(clients[0].request("DELETE", "/metadata?key=k0").status, 404);
    EXPECT_NE(metric("mc_metadata_commit_seconds_count"), "0");
}

TEST_F(HttpServerTest, StopsWhileDurableWritesAreUnderWay) {
    startDurable();
    std::vector<HttpClient> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(connect());
        ASSERT_TRUE(clients.back().sendRequest("PUT", "/metadata?key=k" + std::to_string(i), "v"));
    }
    ASSERT_EQ(clients.front().readResponse().status, 200);
    stop();
    // Each was answered, or its connection was closed before it was read.
    std::size_t answered = 1;
    for (std::size_t i = 1; i < clients.size(); ++i)
        answered += clients[i].readResponse().status == 200 ? 1 : 0;
    EXPECT_LE(answered, store_->usage().keys);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
    startDurable();
    auto client = connect();
    ASSERT_TRUE(client.sendRequest("PUT", "/metadata?key=k", "1"));
    ASSERT_TRUE(client.sendRequest("GET", "/metadata?key=k"));
    ASSERT_TRUE(client.sendRequest("DELETE", "/metadata?key=k"));
    ASSERT_TRUE(client.sendRequest("GET", "/metadata?key=k"));
    EXPECT_EQ(client.readResponse().body, "metadata updated");
    EXPECT_EQ(client.readResponse().body, "1");
    EXPECT_EQ(client.readResponse().body, "metadata deleted");
    EXPECT_EQ(client.readResponse().status, 404);
}

TEST_F(HttpServerTest, TooManyConnectionsAreToldSo) {
    start({.max_connections = 2});
    auto first = connect();
    auto second = connect();
    ASSERT_EQ(first.request("GET", "/health").status, 200);
    ASSERT_EQ(second.request("GET", "/health").status, 200);
    auto third = connect();
    const auto refused = third.readResponse();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("Mc-Metadata"), "1");
    EXPECT_EQ(refused.body, "too many connections");
    EXPECT_EQ(first.request("GET", "/health").status, 200);
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosed) {
    start({.idle_timeout = std::chrono::seconds(1)});
    auto client = connect();
    ASSERT_EQ(client.request("GET", "/health").status, 200);
    EXPECT_TRUE(client.readsEnd());
}

TEST_F(HttpServerTest, AClientThatStopsInTheMiddleIsClosed) {
    start({.idle_timeout = std::chrono::seconds(1)});
    const std::string put = "PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\n";
    std::vector<HttpClient> clients;
    for (const std::string& part :
         {std::string("GET /metadata?k"), std::string("GET /metadata?key=k HTTP/1.1\r\nHost: x\r\nIf-Ma"),
          put + "Content-Length: 100\r\n\r\n", put + "Content-Length: 100\r\n\r\nhalf",
          put + "Transfer-Encoding: chunked\r\n\r\n9\r\nha"}) {
        clients.push_back(connect());
        ASSERT_TRUE(clients.back().send(part));
    }
    for (auto& client : clients)
        EXPECT_TRUE(client.readsEnd());
    EXPECT_EQ(request("GET", "/metadata?key=k").status, 404);
    waitFor("mc_metadata_connections", "1");
    EXPECT_EQ(metric("mc_metadata_body_bytes"), "0");
}

TEST_F(HttpServerTest, AClientThatDoesNotReadItsAnswerIsClosed) {
    start({.idle_timeout = std::chrono::seconds(1)});
    const std::string large(std::size_t{48} << 20, 'x');  // More than sockets hold.
    ASSERT_TRUE(store_->put("large", large, Precondition::any(), std::nullopt));
    ASSERT_TRUE(store_->put("k", "value", Precondition::any(), std::nullopt));
    auto reader = connect();
    ASSERT_EQ(reader.request("GET", "/metadata?key=k").status, 200);
    auto lazy = connect();
    ASSERT_TRUE(lazy.sendRequest("GET", "/metadata?key=large"));
    auto lazy_lister = connect();
    ASSERT_TRUE(lazy_lister.sendRequest("GET", "/metadata?prefix=&limit=1000"));
    // Others are served meanwhile, and none of the two holds its connection for ever.
    EXPECT_EQ(request("GET", "/metadata?key=k").body, "value");
    waitFor("mc_metadata_connections", "1");
    EXPECT_NE(lazy.readResponse().body, large);
}

/// Whoever asks for "held" waits in it, and with him the thread that serves.
class HeldStore : public MemoryStore {
  public:
    std::optional<SharedValue> find(std::string_view key) override {
        if (key == "held") {
            reached.count_down();
            goes_on.wait();
        }
        return MemoryStore::find(key);
    }
    std::latch reached{1}, goes_on{1};
};

// libmicrohttpd asks epoll for 128 at a time.
TEST_F(HttpServerTest, ServesAnyNumberThatAsksAtOnce) {
    for (const std::size_t number : {126, 127, 128, 129, 256}) {
        auto store = std::make_unique<HeldStore>();
        HeldStore& held = *store;
        server_.reset();
        store_ = std::move(store);
        serve({.threads = 1});
        std::vector<HttpClient> clients;
        while (clients.size() < number) {
            clients.push_back(connect());
            ASSERT_EQ(clients.back().request("GET", "/metadata?key=k").status, 404);
        }
        auto holder = connect();
        ASSERT_TRUE(holder.sendRequest("GET", "/metadata?key=held"));
        held.reached.wait();
        for (auto& client : clients)
            ASSERT_TRUE(client.sendRequest("GET", "/metadata?key=k"));
        held.goes_on.count_down();
        for (auto& client : clients)
            ASSERT_EQ(client.readResponse().status, 404) << number;
        EXPECT_EQ(holder.readResponse().status, 404);
    }
}

TEST_F(HttpServerTest, ServesAThousandKeepAliveClients) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit enough{std::min<rlim_t>(4096, limit.rlim_max), limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &enough), 0);
    start();
    std::vector<HttpClient> clients;
    clients.reserve(1000);
    for (int i = 0; i < 1000; ++i)
        clients.push_back(connect());
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < clients.size(); ++i)
            ASSERT_TRUE(clients[i].sendRequest("PUT", "/metadata?key=k" + std::to_string(i), std::to_string(i)));
        for (auto& client : clients)
            ASSERT_EQ(client.readResponse().status, 200);
        for (std::size_t i = 0; i < clients.size(); ++i)
            ASSERT_TRUE(clients[i].sendRequest("GET", "/metadata?key=k" + std::to_string(i)));
        for (std::size_t i = 0; i < clients.size(); ++i)
            ASSERT_EQ(clients[i].readResponse().body, std::to_string(i));
    }
    waitFor("mc_metadata_connections", "1001");
}

TEST_F(HttpServerTest, ConnectionsOpenedAndDroppedLeaveNothing) {
    // Where the end of a connection comes with a part of a request, libmicrohttpd notices only when it is idle.
    start({.idle_timeout = std::chrono::seconds(1)});
    ASSERT_EQ(request("GET", "/health").status, 200);
    waitFor("mc_metadata_connections", "1");
    const std::size_t before = openDescriptors();
    for (int i = 0; i < 10000; ++i) {
        auto client = connect();
        ASSERT_TRUE(client.connected());
        // Nothing, a part of a request, or all of it without reading the answer.
        if (i % 3 == 1) client.send("PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
        if (i % 3 == 2) client.sendRequest("GET", "/health");
    }
    waitFor("mc_metadata_connections", "1");
    while (openDescriptors() > before)
        std::this_thread::yield();
    EXPECT_LE(openDescriptors(), before);
    waitFor("mc_metadata_body_bytes", "0");
}

TEST_F(HttpServerTest, GarbageIsNoHarm) {
    start();
    const std::string long_header = "GET / HTTP/1.1\r\nX: " + std::string(100000, 'x');
    std::vector<HttpClient> clients;  // Open until the server is stopped.
    for (const std::string_view bytes :
         {std::string_view("\0\0\0\0", 4), std::string_view("GET\r\n\r\n"), std::string_view("\r\n\r\n\r\n"),
          std::string_view("GET /metadata?key=k HTTP/9.9\r\n\r\n"),
          std::string_view("PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
          std::string_view("PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
          std::string_view("PUT /metadata?key=k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
          std::string_view(long_header)}) {
        clients.push_back(connect());
        clients.back().send(bytes);
    }
    // So often that each of the server's threads has had its turn at all of it.
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(request("GET", "/health").status, 200);
    EXPECT_EQ(store_->usage().keys, 0);
}

}  // namespace
}  // namespace mc::metadata::server
