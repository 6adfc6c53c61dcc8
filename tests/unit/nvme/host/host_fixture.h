#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/event_loop.h"
#include "io/socket.h"
#include "nvme/host/controller.h"
#include "nvme/host/shared_state.h"

namespace mc::nvme::host::test {

using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

inline Bytes patternBytes(std::size_t length, unsigned seed) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) {
        bytes[i] = static_cast<std::byte>(seed + i * 7 + (i >> 8U));
    }
    return bytes;
}

/// A request whose end is noted.
struct NotedRequest : HostRequest {
    NotedRequest(Kind what, std::uint32_t number, std::uint64_t at, std::span<std::byte> memory) {
        kind = what;
        nsid = number;
        offset = at;
        length = memory.size();
        data = memory.data();
        done = [](HostRequest& request) { ++static_cast<NotedRequest&>(request).ends; };
    }
    int ends = 0;
};

/// A host controller with a loop that the test's thread runs.
class Host : public HostController::Owner {
  public:
    static constexpr const char* kNqn = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555";

    explicit Host(HostOptions options = {}) : options_(std::move(options)), loop_(std::move(*io::EventLoop::open())) {
        options_.host_nqn = kNqn;
    }
    ~Host() override {
        if (controller_) controller_->cancel();
    }

    HostController& connect(std::vector<io::SocketAddress> addresses, const std::string& nqn,
                            std::shared_ptr<SharedState> shared = nullptr) {
        controller_ = HostController::start(*loop_, *this, std::move(addresses), nqn, options_, std::move(shared));
        return *controller_;
    }
    HostController& connect(std::uint16_t port, const std::string& nqn, std::shared_ptr<SharedState> shared = nullptr) {
        return connect(*io::resolve("127.0.0.1", port), nqn, std::move(shared));
    }
    /// Runs the loop until `met`, or for too long.
    template <typename Condition>
    bool runUntil(Condition met, std::chrono::milliseconds limit = 20s) {
        const auto deadline = SteadyClock::now() + limit;
        while (!met()) {
            if (SteadyClock::now() >= deadline) return false;
            loop_->runOnce(SteadyClock::now() + 10ms);
        }
        return true;
    }
    bool ready() {
        return runUntil([&] { return state != HostController::State::Connecting; }) &&
               controller_->state() == HostController::State::Ready;
    }
    /// Submits all, flushes once, and waits for their ends.
    bool run(std::span<NotedRequest> requests) {
        for (auto& request : requests) {
            controller_->submit(request);
        }
        controller_->flush();
        return runUntil(
            [&] { return std::ranges::all_of(requests, [](const auto& request) { return request.ends > 0; }); });
    }
    HostRequest::Outcome run(HostRequest::Kind kind, std::uint32_t nsid, std::uint64_t offset,
                             std::span<std::byte> data) {
        NotedRequest request(kind, nsid, offset, data);
        EXPECT_TRUE(run(std::span(&request, 1)));
        EXPECT_EQ(request.ends, 1);
        last_status = request.status;
        return request.outcome;
    }
    HostRequest::Outcome read(std::uint32_t nsid, std::uint64_t offset, std::span<std::byte> data) {
        return run(HostRequest::Kind::Read, nsid, offset, data);
    }
    HostRequest::Outcome write(std::uint32_t nsid, std::uint64_t offset, std::span<std::byte> data) {
        return run(HostRequest::Kind::Write, nsid, offset, data);
    }

    void onState(HostController::State now, const Error* cause) override {
        state = now;
        states.push_back(now);
        if (cause != nullptr) last_error = *cause;
    }
    void onNamespaces() override { ++namespace_changes; }
    void onReplaced(const Error& error) override { replacements.push_back(error); }

    HostController& controller() { return *controller_; }
    io::EventLoop& loop() { return *loop_; }

    HostController::State state = HostController::State::Connecting;
    std::vector<HostController::State> states;
    Error last_error;
    int namespace_changes = 0;
    std::vector<Error> replacements;
    std::uint16_t last_status = 0;

  private:
    HostOptions options_;
    std::unique_ptr<io::EventLoop> loop_;
    std::unique_ptr<HostController> controller_;
};

}  // namespace mc::nvme::host::test
