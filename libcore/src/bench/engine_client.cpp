#include "bench/engine_client.h"

namespace mc::bench {

Result<BatchID> EngineClient::allocate(std::size_t batch_size) {
    return engine_.allocateBatchID(batch_size);
}

Result<void> EngineClient::submit(BatchID batch, std::span<const TransferRequest> requests) {
    return engine_.submitTransfer(batch, requests);
}

Result<void> EngineClient::wait(BatchID batch, std::optional<std::chrono::nanoseconds> timeout) {
    return engine_.waitBatch(batch, timeout);
}

Result<TransferStatus> EngineClient::status(BatchID batch, std::size_t task) const {
    return engine_.getTransferStatus(batch, task);
}

Result<void> EngineClient::release(BatchID batch) {
    return engine_.freeBatchID(batch);
}

}  // namespace mc::bench
