#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mc/error.h"
#include "mc/transfer.h"

namespace mc::bench {

enum class Operation : std::uint8_t { Read, Write, Mixed };

Result<Operation> parseOperation(std::string_view word);
const char* toString(Operation operation);

/// Which blocks of a segment the batches of a thread go to: always the same, or all of them in random order.
enum class Access : std::uint8_t { Fixed, Random };

const char* toString(Access access);

/// One point of a sweep. Requests are laid out as Mooncake's transfer_engine_bench does it: request i of thread t is at
/// block_size * (i * threads + t) from the base of buffer t modulo the number of buffers, on both sides; with random
/// access on the near side only.
struct Case {
    Operation operation = Operation::Read;
    double read_share = 0.5;  ///< Of the requests of a batch; Mixed only.
    std::uint64_t block_size = 64 << 10;
    std::uint32_t batch_size = 128;
    std::uint32_t threads = 12;
    Access access = Access::Fixed;
    std::uint32_t batches_in_flight = 1;  ///< Of each thread. Batch b begins with request b * batch_size.

    /// That a thread has under way.
    std::uint32_t requests() const { return batch_size * batches_in_flight; }
    /// What a buffer must hold when all threads use it.
    std::uint64_t span() const { return block_size * requests() * threads; }
    std::uint64_t offset(std::uint32_t thread, std::uint32_t request) const {
        return block_size * (static_cast<std::uint64_t>(request) * threads + thread);
    }
    /// Reads are spread evenly through a mixed batch.
    Opcode opcode(std::uint32_t request) const;
};

/// What is asked for: every combination of block size, batch size and threads, each repeated.
struct Workload {
    Operation operation = Operation::Read;
    double read_share = 0.5;
    std::vector<std::uint64_t> block_sizes{64 << 10};
    std::vector<std::uint32_t> batch_sizes{128};
    std::vector<std::uint32_t> threads{12};
    std::uint32_t batches_in_flight = 1;
    Access access = Access::Fixed;
    std::chrono::nanoseconds duration = std::chrono::seconds(10);
    std::chrono::nanoseconds warm_up{0};        ///< Before each repeat, not counted.
    std::chrono::nanoseconds batch_timeout{0};  ///< How long one batch may take; 0: for ever.
    std::uint32_t repeat = 1;
    bool verify = false;
    std::uint64_t seed = 0;  ///< Of the pattern that is verified.

    /// In the order in which they run: block sizes innermost. InvalidArgument names the parameter that is out of
    /// bounds.
    Result<std::vector<Case>> cases() const;
};

/// InvalidArgument, with sizes, if a thread of `c` would reach beyond its buffer; `side` is "remote" or "local".
Result<void> checkFits(const Case& c, std::span<const std::uint64_t> buffer_lengths, std::string_view side);

}  // namespace mc::bench
