#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/errors.h"
#include "bench/batch_client.h"

namespace mc::bench {

/// Copies within the process, at once. A test can change what a request does.
class FakeClient : public BatchClient {
  public:
    /// Serves one request; the default copies and acknowledges.
    std::function<TransferStatus(const TransferRequest&)> serve = copy;
    /// Fails a wait instead of ending it.
    std::optional<Error> wait_error;

    static TransferStatus copy(const TransferRequest& request) {
        auto* remote = reinterpret_cast<std::byte*>(request.target_offset);
        if (request.opcode == Opcode::Read) {
            std::memcpy(request.source, remote, request.length);
        } else {
            std::memcpy(remote, request.source, request.length);
        }
        return {.s = TaskStatus::COMPLETED,
                .transferred = request.length,
                .latency = std::chrono::microseconds(5),
                .acknowledged = true};
    }

    Result<BatchID> allocate(std::size_t) override {
        const std::lock_guard lock(mutex_);
        batches_[next_];
        return next_++;
    }
    Result<void> submit(BatchID batch, std::span<const TransferRequest> requests) override {
        std::vector<TransferStatus> statuses;
        for (const auto& request : requests)
            statuses.push_back(serve(request));
        const std::lock_guard lock(mutex_);
        batches_[batch] = std::move(statuses);
        return {};
    }
    Result<void> wait(BatchID, std::optional<std::chrono::nanoseconds>) override {
        if (wait_error) return std::unexpected(*wait_error);
        return {};
    }
    Result<TransferStatus> status(BatchID batch, std::size_t task) const override {
        const std::lock_guard lock(mutex_);
        return batches_.at(batch).at(task);
    }
    Result<void> release(BatchID batch) override {
        const std::lock_guard lock(mutex_);
        if (batches_.erase(batch) == 0) return fail(ErrorCode::NotFound, "batch");
        return {};
    }

    std::size_t openBatches() const {
        const std::lock_guard lock(mutex_);
        return batches_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::map<BatchID, std::vector<TransferStatus>> batches_;
    BatchID next_ = 1;
};

}  // namespace mc::bench
