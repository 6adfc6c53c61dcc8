#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "mc/error.h"
#include "mc/transfer.h"

namespace mc::bench {

/// What a run needs of an engine; the members mean what those of TransferEngine mean. Called from many threads.
class BatchClient {
  public:
    BatchClient() = default;
    BatchClient(const BatchClient&) = delete;
    BatchClient& operator=(const BatchClient&) = delete;
    virtual ~BatchClient() = default;

    virtual Result<BatchID> allocate(std::size_t batch_size) = 0;
    virtual Result<void> submit(BatchID batch, std::span<const TransferRequest> requests) = 0;
    virtual Result<void> wait(BatchID batch, std::optional<std::chrono::nanoseconds> timeout) = 0;
    virtual Result<TransferStatus> status(BatchID batch, std::size_t task) const = 0;
    virtual Result<void> release(BatchID batch) = 0;
};

}  // namespace mc::bench
