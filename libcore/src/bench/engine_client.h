#pragma once

#include "mc/engine.h"

#include "bench/batch_client.h"

namespace mc::bench {

/// The client that measures: an engine, which outlives it.
class EngineClient final : public BatchClient {
  public:
    explicit EngineClient(TransferEngine& engine) : engine_(engine) {}

    Result<BatchID> allocate(std::size_t batch_size) override;
    Result<void> submit(BatchID batch, std::span<const TransferRequest> requests) override;
    Result<void> wait(BatchID batch, std::optional<std::chrono::nanoseconds> timeout) override;
    Result<TransferStatus> status(BatchID batch, std::size_t task) const override;
    Result<void> release(BatchID batch) override;

  private:
    TransferEngine& engine_;
};

}  // namespace mc::bench
