#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "bench/histogram.h"
#include "host_load.h"
#include "io/event_loop.h"
#include "io/memory_buffer.h"
#include "nvme/host/controller.h"

namespace mc::perf {

/// What all controllers of a load add to.
struct Progress {
    SteadyClock::time_point until;  ///< No request is made after this.
    std::size_t ready = 0;          ///< Controllers.
    std::size_t under_way = 0;      ///< Requests.
    bench::Histogram latencies;     ///< Of the requests that have ended.
    std::optional<Error> error;     ///< The first one: the load has failed.
};

/// One controller, and the requests that are under way on it. Used by the loop's thread alone.
class LoadedController final : nvme::HostController::Owner {
  public:
    static Result<std::unique_ptr<LoadedController>> connect(io::EventLoop& loop, std::vector<io::SocketAddress> target,
                                                             const HostLoadOptions& options, Progress& progress);
    ~LoadedController() override;
    LoadedController(const LoadedController&) = delete;
    LoadedController& operator=(const LoadedController&) = delete;

    /// Makes the first requests; each is followed by another one until the time is over.
    void begin();
    std::string congestionControl() const { return controller_->congestionControl(); }

  private:
    struct Request : nvme::HostRequest {
        SteadyClock::time_point submitted;
    };

    LoadedController(const HostLoadOptions& options, Progress& progress, io::Buffer buffer);
    void onState(nvme::HostController::State state, const Error* cause) override;
    void onNamespaces() override {}
    void onReplaced(const Error& error) override { fail(error); }
    void submit(Request& request, SteadyClock::time_point now);
    void onDone(Request& request);
    std::uint64_t random(std::uint64_t limit);
    void fail(Error error);

    const HostLoadOptions& options_;
    Progress& progress_;
    io::Buffer buffer_;
    std::vector<Request> requests_;
    std::uint64_t random_state_;
    std::unique_ptr<nvme::HostController> controller_;  // Last: the requests are its own until it ends.
};

}  // namespace mc::perf
