#include "bench/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "base/units.h"

namespace mc::bench {
namespace {

// How long a peer that acknowledges nothing gets to apply what a read is to find.
constexpr int kSettleAttempts = 100;
constexpr std::chrono::milliseconds kSettlePause{10};

const char* verb(Opcode opcode) {
    return opcode == Opcode::Read ? "read" : "write";
}

}  // namespace

Worker::Worker(Context context, std::uint32_t thread)
    : context_(context),
      thread_(thread),
      placement_(context.parameters, context.endpoints.remote, thread, context.workload.seed) {
    const auto& [segment, remote, local, scratch] = context_.endpoints;
    const Case& c = context_.parameters;
    for (std::uint32_t i = 0; i < c.requests(); ++i) {
        const std::uint64_t offset = c.offset(thread, i);
        Block& block = blocks_.emplace_back();
        block.local = local[thread % local.size()].subspan(offset, c.block_size);
        block.opcode = c.opcode(i % c.batch_size);
        if (context_.workload.verify) block.scratch = scratch[thread % scratch.size()].subspan(offset, c.block_size);
    }
    measured_.resize(blocks_.size());
    under_way_.resize(c.batches_in_flight);
    placeAll();
    totals_.next_pass = context_.first_pass;
}

// Says where on the far side the blocks of the next run of a batch are.
void Worker::place(std::size_t batch) {
    const std::uint32_t size = context_.parameters.batch_size;
    for (std::size_t i = batch * size; i < (batch + 1) * size; ++i) {
        Block& block = blocks_[i];
        const Placement::Place place = placement_.next(static_cast<std::uint32_t>(i));
        block.buffer = place.buffer;
        block.offset = place.offset;
        block.pattern_at = place.before + place.offset;
        measured_[i] = request(block, block.local, block.opcode);
    }
}

void Worker::placeAll() {
    for (std::size_t batch = 0; batch < under_way_.size(); ++batch)
        place(batch);
    placing_.clear();
    returning_.clear();
    if (!context_.workload.verify) return;
    for (const Block& block : blocks_) {
        const bool read = block.opcode == Opcode::Read;
        (read ? placing_ : returning_).push_back(request(block, block.scratch, read ? Opcode::Write : Opcode::Read));
    }
}

TransferRequest Worker::request(const Block& block, std::span<std::byte> memory, Opcode opcode) const {
    const RemoteBuffer& remote = context_.endpoints.remote[block.buffer];
    return {.opcode = opcode,
            .source = memory.data(),
            .target_id = context_.endpoints.segment,
            .target_offset = remote.addr + block.offset,
            .length = memory.size(),
            .file_id = remote.file_id};
}

void Worker::run() {
    nameThisThread(fmt::format("bench-{}", thread_));
    const Workload& workload = context_.workload;
    const auto warm_up_end = SteadyClock::now() + workload.warm_up;
    if (!context_.rounds.expired(warm_up_end)) stream(Purpose::Prepare, warm_up_end);
    if (workload.verify && placement_.moves()) placeAll();
    for (;;) {
        if (workload.verify) prepareRound();
        if (!context_.rounds.begin()) break;
        const bool ok = workload.verify ? runOnce(measured_, Purpose::Measure) : stream(Purpose::Measure, std::nullopt);
        context_.rounds.end();
        if (workload.verify && ok) checkRound();
        if (workload.verify && placement_.moves()) placeAll();
        ++totals_.next_pass;
    }
}

// Keeps all batches under way until the time is over, and waits for the last of them.
bool Worker::stream(Purpose purpose, std::optional<SteadyClock::time_point> until) {
    std::size_t begun = 0, ended = 0;
    bool ok = true;
    for (;;) {
        const bool more = ok && (begun == 0 || !context_.rounds.expired(until));
        if (more && begun - ended < under_way_.size()) {
            const std::size_t batch = begun % under_way_.size();
            if (placement_.moves()) place(batch);
            ok = start(batch, batchOf(measured_, batch));
            if (ok) ++begun;
        } else if (begun == ended) {
            return ok;
        } else {
            const std::size_t batch = ended++ % under_way_.size();
            const End end = finish(batch, batchOf(measured_, batch), purpose);
            if (end == End::Hung) return false;
            ok = ok && end == End::Good;
        }
    }
}

// All of `requests`, batch by batch, at once.
bool Worker::runOnce(std::span<const TransferRequest> requests, Purpose purpose) {
    all_acknowledged_ = true;
    bool ok = true;
    std::size_t begun = 0;
    while (ok && begun < under_way_.size() && !batchOf(requests, begun).empty()) {
        ok = start(begun, batchOf(requests, begun));
        if (ok) ++begun;
    }
    for (std::size_t batch = 0; batch < begun; ++batch) {
        const End end = finish(batch, batchOf(requests, batch), purpose);
        if (end == End::Hung) return false;
        ok = ok && end == End::Good;
    }
    return ok;
}

std::span<const TransferRequest> Worker::batchOf(std::span<const TransferRequest> requests, std::size_t batch) const {
    const std::size_t size = context_.parameters.batch_size;
    const std::size_t first = std::min(batch * size, requests.size());
    return requests.subspan(first, std::min(size, requests.size() - first));
}

bool Worker::start(std::size_t batch, std::span<const TransferRequest> requests) {
    BatchClient& client = context_.client;
    const auto now = SteadyClock::now();
    const auto id = client.allocate(requests.size());
    if (!id) {
        context_.rounds.abort({id.error(), std::nullopt});
        return false;
    }
    under_way_[batch] = {*id, now};
    if (auto submitted = client.submit(*id, requests); !submitted) {
        context_.rounds.abort({submitted.error(), std::nullopt});
        (void)client.release(*id);  // One error is enough.
        return false;
    }
    return true;
}

Worker::End Worker::finish(std::size_t batch, std::span<const TransferRequest> requests, Purpose purpose) {
    BatchClient& client = context_.client;
    const auto [id, start] = under_way_[batch];
    const auto timeout = context_.workload.batch_timeout;
    auto ended = client.wait(id, timeout.count() > 0 ? std::optional(timeout) : std::nullopt);
    if (!ended) {
        // What still runs keeps its batch; the engine ends it when it is destroyed.
        context_.rounds.abort({describeWait(std::move(ended.error()), requests.size()), std::nullopt});
        return End::Hung;
    }
    if (purpose == Purpose::Measure) totals_.batch_latency.add(SteadyClock::now() - start);
    const bool ok = collect(id, requests, purpose);
    if (auto freed = client.release(id); !freed) {
        context_.rounds.abort({freed.error(), std::nullopt});
        return End::Failed;
    }
    return ok ? End::Good : End::Failed;
}

Error Worker::describeWait(Error error, std::size_t requests) const {
    if (error.code != ErrorCode::TimedOut) return error;
    return {ErrorCode::TimedOut,
            fmt::format("a batch of {} requests (thread {}) has not ended within {}", requests, thread_,
                        formatDuration(context_.workload.batch_timeout)),
            "is the target still there? --timeout says how long a batch may take"};
}

bool Worker::collect(BatchID batch, std::span<const TransferRequest> requests, Purpose purpose) {
    std::uint64_t failed = 0, moved = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto status = context_.client.status(batch, i);
        if (!status) {
            context_.rounds.abort({status.error(), std::nullopt});
            return false;
        }
        all_acknowledged_ = all_acknowledged_ && status->acknowledged;
        if (status->s != TaskStatus::COMPLETED) {
            if (failed++ == 0) context_.rounds.abort(describeFailure(requests[i], i, *status));
        } else if (purpose == Purpose::Measure) {
            count(requests[i], *status);
            moved += requests[i].length;
        }
    }
    Counts& counts = totals_.counts;
    if (purpose == Purpose::Measure) ++counts.batches;
    counts.failed_requests += failed;
    counts.failed_batches += failed > 0 ? 1 : 0;
    context_.live_bytes.fetch_add(moved, std::memory_order_relaxed);
    return failed == 0;
}

void Worker::count(const TransferRequest& request, const TransferStatus& status) {
    Counts& counts = totals_.counts;
    ++counts.requests;
    if (request.opcode == Opcode::Read) {
        counts.read_bytes += request.length;
    } else {
        counts.write_bytes += request.length;
        ++(status.acknowledged ? counts.acknowledged_writes : counts.unacknowledged_writes);
    }
    totals_.request_latency.add(status.latency);
}

RunFailure Worker::describeFailure(const TransferRequest& request, std::size_t index,
                                   const TransferStatus& status) const {
    const auto& buffers = context_.endpoints.remote;
    const auto remote = std::ranges::find_if(buffers, [&](const RemoteBuffer& buffer) {
        return buffer.file_id == request.file_id && request.target_offset - buffer.addr < buffer.length;
    });
    const RequestFailure failure{.status = status.s,
                                 .opcode = request.opcode,
                                 .thread = thread_,
                                 .request = static_cast<std::uint32_t>(index),
                                 .offset = request.target_offset - remote->addr,
                                 .length = request.length,
                                 .transferred = status.transferred};
    return {{.code = status.s == TaskStatus::TIMEOUT ? ErrorCode::TimedOut : ErrorCode::Negative,
             .message = fmt::format("{} of {} at offset {} (thread {}, request {}): {} after {} of {} bytes",
                                    verb(request.opcode), formatSize(request.length), failure.offset, thread_, index,
                                    toString(status.s), status.transferred, request.length),
             .hint = "a warning above says if the target refused it; else: is it still running, and reached?"},
            failure};
}

// Puts this pass's data where the round is to find it, and poison where data is to arrive.
void Worker::prepareRound() {
    const Pattern& pattern = context_.pattern;
    const std::uint64_t pass = totals_.next_pass;
    for (const Block& block : blocks_) {
        if (block.opcode == Opcode::Write) {
            pattern.fill(block.local, block.pattern_at, pass);
        } else {
            pattern.fill(block.scratch, block.pattern_at, pass);
        }
    }
    if (!placing_.empty() && (!runOnce(placing_, Purpose::Prepare) || !(all_acknowledged_ || settle()))) return;
    for (const Block& block : blocks_) {
        if (block.opcode == Opcode::Read) pattern.poison(block.local, block.pattern_at);
    }
}

// An unacknowledged write may be applied after it was reported complete: reads until it is there, so that a measured
// read that finds old data is to blame itself. False only when a request failed.
bool Worker::settle() {
    std::vector<TransferRequest> looking;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        if (blocks_[i].opcode == Opcode::Read) looking.push_back(measured_[i]);
    }
    const auto there = [&](const Block& block) {
        return block.opcode == Opcode::Write ||
               !context_.pattern.check(block.local, block.pattern_at, totals_.next_pass);
    };
    for (int attempt = 0; attempt < kSettleAttempts; ++attempt) {
        if (!runOnce(looking, Purpose::Prepare)) return false;
        if (std::ranges::all_of(blocks_, there)) break;
        std::this_thread::sleep_for(kSettlePause);
    }
    return true;
}

void Worker::checkRound() {
    for (const Block& block : blocks_) {
        if (block.opcode == Opcode::Read) {
            checkBlock(block, block.local);
        } else {
            context_.pattern.poison(block.scratch, block.pattern_at);
        }
    }
    if (returning_.empty() || !runOnce(returning_, Purpose::Prepare)) return;
    for (const Block& block : blocks_) {
        if (block.opcode == Opcode::Write) checkBlock(block, block.scratch);
    }
}

void Worker::checkBlock(const Block& block, std::span<const std::byte> data) {
    ++totals_.verification.blocks;
    totals_.verification.bytes += data.size();
    if (const auto mismatch = context_.pattern.check(data, block.pattern_at, totals_.next_pass)) {
        totals_.verification.add({*mismatch, block.opcode, thread_});
    }
}

}  // namespace mc::bench
