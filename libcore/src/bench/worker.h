#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mc/transfer.h"

#include "bench/batch_client.h"
#include "bench/histogram.h"
#include "bench/pattern.h"
#include "bench/placement.h"
#include "bench/result.h"
#include "bench/rounds.h"

namespace mc::bench {

/// Both ends of the transfers of a run. All local memory is registered with the client's engine.
struct Endpoints {
    SegmentHandle segment = 0;
    std::vector<RemoteBuffer> remote;
    std::vector<std::span<std::byte>> local;    ///< The near side of measured requests.
    std::vector<std::span<std::byte>> scratch;  ///< The same once more, for verification; else empty.
};

/// One thread of a run: submits batches, as many at a time as the case says, waits for them and counts.
class Worker {
  public:
    struct Context {
        BatchClient& client;
        const Endpoints& endpoints;
        const Workload& workload;
        const Case& parameters;
        const Pattern& pattern;
        Rounds& rounds;
        std::atomic<std::uint64_t>& live_bytes;  ///< Measured by all workers until now.
        std::uint64_t first_pass;
    };
    struct Totals {
        Counts counts;
        Histogram request_latency;
        Histogram batch_latency;
        Verification verification;
        std::uint64_t next_pass;
    };

    Worker(Context context, std::uint32_t thread);

    /// The whole life of the worker, in its thread.
    void run();
    /// After run has ended.
    const Totals& totals() const { return totals_; }

  private:
    struct Block {
        std::span<std::byte> local, scratch;
        Opcode opcode = Opcode::Read;
        std::size_t buffer = 0;        // The remote one.
        std::uint64_t offset = 0;      // In it.
        std::uint64_t pattern_at = 0;  // In all remote buffers, one behind the other.
    };
    enum class Purpose { Measure, Prepare };

    enum class End { Good, Failed, Hung };
    struct Batch {
        BatchID id{};
        SteadyClock::time_point start;
    };

    void place(std::size_t batch);
    void placeAll();
    bool stream(Purpose purpose, std::optional<SteadyClock::time_point> until);
    bool runOnce(std::span<const TransferRequest> requests, Purpose purpose);
    std::span<const TransferRequest> batchOf(std::span<const TransferRequest> requests, std::size_t batch) const;
    bool start(std::size_t batch, std::span<const TransferRequest> requests);
    End finish(std::size_t batch, std::span<const TransferRequest> requests, Purpose purpose);
    bool collect(BatchID batch, std::span<const TransferRequest> requests, Purpose purpose);
    void count(const TransferRequest& request, const TransferStatus& status);
    Error describeWait(Error error, std::size_t requests) const;
    RunFailure describeFailure(const TransferRequest& request, std::size_t index, const TransferStatus& status) const;
    void prepareRound();
    bool settle();
    void checkRound();
    void checkBlock(const Block& block, std::span<const std::byte> data);
    TransferRequest request(const Block& block, std::span<std::byte> memory, Opcode opcode) const;

    Context context_;
    const std::uint32_t thread_;
    Placement placement_;
    std::vector<Block> blocks_;
    std::vector<TransferRequest> measured_;   // Every block, as the case says.
    std::vector<TransferRequest> placing_;    // Writes what the measured reads are to find, from scratch memory.
    std::vector<TransferRequest> returning_;  // Reads back what was written, into scratch memory.
    std::vector<Batch> under_way_;
    bool all_acknowledged_ = true;  // Since runOnce began.
    Totals totals_;
};

}  // namespace mc::bench
