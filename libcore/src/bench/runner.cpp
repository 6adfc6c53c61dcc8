#include "bench/runner.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/errors.h"

namespace mc::bench {
namespace {

Result<void> checkMemory(const Case& parameters, std::span<const std::span<std::byte>> buffers, std::string_view side) {
    std::vector<std::uint64_t> lengths;
    lengths.reserve(buffers.size());
    for (const auto& buffer : buffers)
        lengths.push_back(buffer.size());
    return bench::checkFits(parameters, lengths, side);
}

// Runs every worker in a thread of its own until all have ended.
Result<void> runAll(std::vector<std::unique_ptr<Worker>>& workers, Rounds& rounds) {
    std::vector<std::jthread> threads;
    try {
        for (auto& worker : workers)
            threads.emplace_back([&worker] { worker->run(); });
    } catch (const std::system_error& error) {
        const Error why{ErrorCode::System, std::string("start a worker thread: ") + error.what(),
                        "use fewer --threads"};
        rounds.abort({why, std::nullopt});
        for (std::size_t i = threads.size(); i < workers.size(); ++i)
            rounds.drop();
        return std::unexpected(why);
    }
    return {};
}

}  // namespace

Runner::Runner(BatchClient& client, Endpoints endpoints, Workload workload)
    : client_(client), endpoints_(std::move(endpoints)), workload_(std::move(workload)) {}

Result<void> Runner::checkFits(const Case& parameters) const {
    auto fits = checkPlacement(parameters, endpoints_.remote, workload_.verify);
    if (fits) fits = checkMemory(parameters, endpoints_.local, "local");
    if (fits && workload_.verify) fits = checkMemory(parameters, endpoints_.scratch, "local scratch");
    return fits;
}

Result<CaseResult> Runner::run(const Case& parameters, std::uint32_t repeat, std::stop_token stop) {
    if (auto fits = checkFits(parameters); !fits) return std::unexpected(fits.error());

    const Pattern pattern(workload_.seed);
    Rounds rounds({.workers = parameters.threads,
                   .duration = workload_.duration,
                   .lockstep = workload_.verify,
                   .stop = std::move(stop)});
    std::vector<std::unique_ptr<Worker>> workers;
    workers.reserve(parameters.threads);
    for (std::uint32_t thread = 0; thread < parameters.threads; ++thread) {
        workers.push_back(std::make_unique<Worker>(
            Worker::Context{client_, endpoints_, workload_, parameters, pattern, rounds, live_bytes_, next_pass_},
            thread));
    }
    if (auto ran = runAll(workers, rounds); !ran) return std::unexpected(ran.error());

    CaseResult result;
    result.parameters = parameters;
    result.repeat = repeat;
    result.duration = rounds.duration();
    if (rounds.started()) result.elapsed = SteadyClock::now() - *rounds.started();
    result.cpu = rounds.cpu();
    result.failure = rounds.failure();
    result.interrupted = rounds.interrupted();
    Histogram request_latency, batch_latency;
    Verification verification;
    for (const auto& worker : workers) {
        const Worker::Totals& totals = worker->totals();
        result.counts.merge(totals.counts);
        request_latency.merge(totals.request_latency);
        batch_latency.merge(totals.batch_latency);
        verification.merge(totals.verification);
        next_pass_ = std::max(next_pass_, totals.next_pass);
    }
    result.request_latency = request_latency.summary();
    result.batch_latency = batch_latency.summary();
    if (workload_.verify) result.verification = std::move(verification);
    return result;
}

}  // namespace mc::bench
