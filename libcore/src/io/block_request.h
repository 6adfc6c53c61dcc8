#pragma once

#include <cstddef>
#include <cstdint>

namespace mc::io {

class BlockDevice;

/// One operation on a device. From BlockQueue::submit until its end it belongs to the queue, its data included.
struct BlockRequest {
    enum class Kind : std::uint8_t {
        Read = 0,
        Write = 1,
        Flush = 2,        ///< All that has ended before is on stable storage.
        Discard = 3,      ///< The range's content is not needed any more; what is read afterwards is undefined or zero.
        WriteZeroes = 4,  ///< The range reads as zero afterwards; `may_unmap` allows to free its blocks.
    };
    Kind kind = Kind::Read;
    bool durable = false;    ///< Write, WriteZeroes: on stable storage when it has ended.
    bool may_unmap = false;  ///< WriteZeroes.
    BlockDevice* device = nullptr;
    std::uint64_t offset = 0;   ///< Bytes.
    std::uint64_t length = 0;   ///< Bytes; the range lies within the device.
    std::byte* data = nullptr;  ///< Read fills it, Write takes from it.
    /// Called by the loop's thread at the end, unless submit told the end: 0 or an errno. May submit further requests.
    void (*done)(BlockRequest& request, int error) = nullptr;
    void* context = nullptr;  ///< The submitter's own.

    // The queue's own.
    BlockRequest* next = nullptr;
    std::uint64_t moved = 0;  ///< Bytes of Read and Write that are done.
    int error = 0;
};

/// Requests in the order in which they came. Owns none of them.
class BlockRequestList {
  public:
    bool empty() const { return first_ == nullptr; }
    void push(BlockRequest& request) {
        request.next = nullptr;
        (last_ == nullptr ? first_ : last_->next) = &request;
        last_ = &request;
    }
    /// The first; null if there is none.
    BlockRequest* pop() {
        BlockRequest* const request = first_;
        if (request != nullptr) first_ = request->next;
        if (first_ == nullptr) last_ = nullptr;
        return request;
    }

  private:
    BlockRequest* first_ = nullptr;
    BlockRequest* last_ = nullptr;
};

}  // namespace mc::io
