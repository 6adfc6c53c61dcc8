#include "bench/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "base/units.h"
#include "bench/pattern.h"

namespace mc::bench {
namespace {

constexpr std::uint32_t kMaxBatchSize = 1 << 20;
constexpr std::uint32_t kMaxThreads = 1024;
constexpr std::uint32_t kMaxBatchesInFlight = 1024;
constexpr std::uint64_t kMaxBlockSize = 1ULL << 36;

template <typename T>
Result<void> checkList(std::string_view name, const std::vector<T>& values, std::uint64_t last) {
    if (values.empty()) return fail(ErrorCode::InvalidArgument, fmt::format("{}: no value", name));
    for (const T value : values) {
        if (value == 0 || value > last) {
            return fail(ErrorCode::InvalidArgument, fmt::format("{}: {} is not from 1 to {}", name, value, last));
        }
    }
    return {};
}

// What a buffer's size comes from; batches in flight only where somebody has asked for more than the usual one.
std::string factors(const Case& c) {
    const std::string in_flight =
        c.batches_in_flight > 1 ? fmt::format(" * batches-in-flight {}", c.batches_in_flight) : "";
    return fmt::format("block_size {} * batch_size {}{} * threads {}", formatSize(c.block_size), c.batch_size,
                       in_flight, c.threads);
}

}  // namespace

Result<Operation> parseOperation(std::string_view word) {
    for (const auto operation : {Operation::Read, Operation::Write, Operation::Mixed}) {
        if (word == toString(operation)) return operation;
    }
    return fail(ErrorCode::InvalidArgument, fmt::format("operation \"{}\" is not one of read, write, mixed", word));
}

const char* toString(Operation operation) {
    switch (operation) {
        case Operation::Read:
            return "read";
        case Operation::Write:
            return "write";
        case Operation::Mixed:
            return "mixed";
    }
    return "read";
}

const char* toString(Access access) {
    return access == Access::Fixed ? "fixed" : "random";
}

Opcode Case::opcode(std::uint32_t request) const {
    if (operation != Operation::Mixed) return operation == Operation::Read ? Opcode::Read : Opcode::Write;
    const auto reads_before = [&](std::uint32_t n) { return std::floor(static_cast<double>(n) * read_share + 1e-9); };
    return reads_before(request + 1) > reads_before(request) ? Opcode::Read : Opcode::Write;
}

Result<std::vector<Case>> Workload::cases() const {
    if (auto ok = checkList("block_size", block_sizes, kMaxBlockSize); !ok) return std::unexpected(ok.error());
    if (auto ok = checkList("batch_size", batch_sizes, kMaxBatchSize); !ok) return std::unexpected(ok.error());
    if (auto ok = checkList("threads", threads, kMaxThreads); !ok) return std::unexpected(ok.error());
    if (batches_in_flight == 0 || batches_in_flight > kMaxBatchesInFlight) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("batches-in-flight: {} is not from 1 to {}", batches_in_flight, kMaxBatchesInFlight));
    }
    if (!(read_share >= 0 && read_share <= 1)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("read-share: {} is not from 0 to 1", read_share));
    }
    if (duration.count() <= 0) return fail(ErrorCode::InvalidArgument, "duration: must be longer than 0");
    if (repeat == 0) return fail(ErrorCode::InvalidArgument, "repeat: must be 1 or more");
    std::vector<Case> cases;
    for (const auto thread_count : threads) {
        for (const auto batch_size : batch_sizes) {
            for (const auto block_size : block_sizes) {
                const Case c{operation, read_share, block_size, batch_size, thread_count, access, batches_in_flight};
                if (block_size > Pattern::kMaxBytes / batch_size / batches_in_flight / thread_count) {
                    return fail(ErrorCode::InvalidArgument,
                                fmt::format("{} is more than {}", factors(c), formatSize(Pattern::kMaxBytes)));
                }
                cases.push_back(c);
            }
        }
    }
    return cases;
}

Result<void> checkFits(const Case& c, std::span<const std::uint64_t> buffer_lengths, std::string_view side) {
    if (buffer_lengths.empty()) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} side: no buffer is registered", side));
    }
    for (std::uint32_t thread = 0; thread < c.threads; ++thread) {
        const std::size_t buffer = thread % buffer_lengths.size();
        const std::uint64_t needed = c.offset(thread, c.requests() - 1) + c.block_size;
        if (needed <= buffer_lengths[buffer]) continue;
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} buffer {} has {}, but {} needs {}", side, buffer,
                                formatSize(buffer_lengths[buffer]), factors(c), formatSize(c.span())),
                    fmt::format("start that side with --buffer_size={}, or use smaller blocks or batches, or fewer "
                                "threads{}",
                                formatSize(c.span()), c.batches_in_flight > 1 ? " or batches in flight" : ""));
    }
    return {};
}

}  // namespace mc::bench
