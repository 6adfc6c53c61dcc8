#include "loaded_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nvme/host/status.h"

namespace mc::perf {

using nvme::HostController;
using nvme::HostRequest;

namespace {

constexpr const char* kHostNqn = "nqn.2016-06.io.mc:perf-host";
constexpr std::size_t kMostEntries = 1024;

nvme::HostOptions hostOptions(const HostLoadOptions& load) {
    nvme::HostOptions options;
    options.host_nqn = kHostNqn;
    options.header_digest = load.header_digest;
    options.data_digest = load.data_digest;
    options.congestion = load.congestion;
    options.queue_entries =
        static_cast<std::uint16_t>(std::clamp<std::size_t>(load.depth + 1, options.queue_entries, kMostEntries));
    options.connect_timeout = std::chrono::seconds(30);  // A thousand may connect at once.
    options.keep_alive = std::chrono::seconds(5);        // As Linux does.
    options.loss_timeout = std::chrono::milliseconds(0);
    return options;
}

}  // namespace

Result<std::unique_ptr<LoadedController>> LoadedController::connect(io::EventLoop& loop,
                                                                    std::vector<io::SocketAddress> target,
                                                                    const HostLoadOptions& options,
                                                                    Progress& progress) {
    const std::size_t bytes = options.seconds > 0 ? options.depth * options.block_size : 1;
    auto buffer = io::Buffer::allocate(bytes, {});
    if (!buffer) return std::unexpected(buffer.error());
    std::unique_ptr<LoadedController> made(new LoadedController(options, progress, std::move(*buffer)));
    made->controller_ = HostController::start(loop, *made, std::move(target), options.nqn, hostOptions(options));
    return made;
}

LoadedController::LoadedController(const HostLoadOptions& options, Progress& progress, io::Buffer buffer)
    : options_(options),
      progress_(progress),
      buffer_(std::move(buffer)),
      requests_(options.seconds > 0 ? options.depth : 0),
      // Another one for each, and never zero.
      random_state_(reinterpret_cast<std::uintptr_t>(this) | 1U) {}

LoadedController::~LoadedController() {
    progress_.until = {};
    controller_->cancel();
}

void LoadedController::onState(HostController::State state, const Error* cause) {
    if (state == HostController::State::Ready) {
        ++progress_.ready;
        return;
    }
    fail(*cause);
}

void LoadedController::begin() {
    const auto& namespaces = controller_->namespaces();
    if (namespaces.size() < options_.namespaces) {
        return fail({ErrorCode::NotFound, fmt::format("{}: {} namespaces", options_.nqn, namespaces.size()), {}});
    }
    std::byte* data = buffer_.memory().data();
    const auto now = SteadyClock::now();
    for (Request& request : requests_) {
        request.kind = options_.operation;
        request.length = options_.block_size;
        request.data = std::exchange(data, data + options_.block_size);
        request.context = this;
        request.done = [](HostRequest& ended) {
            static_cast<LoadedController*>(ended.context)->onDone(static_cast<Request&>(ended));
        };
        submit(request, now);
    }
    controller_->flush();
}

void LoadedController::submit(Request& request, SteadyClock::time_point now) {
    const auto& space = controller_->namespaces()[random(options_.namespaces)];
    request.nsid = space.nsid;
    request.offset = random(space.size / options_.block_size) * options_.block_size;
    request.submitted = now;
    ++progress_.under_way;
    controller_->submit(request);
}

// The controller sends what is submitted here with the rest of its round.
void LoadedController::onDone(Request& request) {
    --progress_.under_way;
    if (request.outcome == HostRequest::Outcome::Rejected) {
        fail(
            {ErrorCode::Io, fmt::format("namespace {}: {}", request.nsid, nvme::host::statusText(request.status)), {}});
    }
    if (request.outcome != HostRequest::Outcome::Completed) return;
    const auto now = SteadyClock::now();
    progress_.latencies.add(now - request.submitted);
    if (now < progress_.until) submit(request, now);
}

// Below `limit` (xorshift64).
std::uint64_t LoadedController::random(std::uint64_t limit) {
    random_state_ ^= random_state_ << 13U;
    random_state_ ^= random_state_ >> 7U;
    random_state_ ^= random_state_ << 17U;
    return (random_state_ >> 16U) % limit;
}

void LoadedController::fail(Error error) {
    if (!progress_.error) progress_.error = std::move(error);
    progress_.until = {};
}

}  // namespace mc::perf
