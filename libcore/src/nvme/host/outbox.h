#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "nvme/host/command.h"

namespace mc::nvme::host {

/// PDUs that wait to be sent, in order.
class Outbox {
  public:
    bool empty() const { return head_ == nullptr; }
    void push(OutgoingPdu& pdu);
    /// A PDU has gone in part.
    bool inTheMiddle() const { return sent_ != 0; }
    /// Names what is to be sent next; `bytes` grows by it.
    std::size_t gather(std::span<iovec> parts, std::uint64_t& bytes) const;
    /// That many bytes were sent. Returns the PDUs that went with them wholly, linked by `next`.
    OutgoingPdu* sent(std::uint64_t bytes);
    void clear();

  private:
    OutgoingPdu* head_ = nullptr;
    OutgoingPdu* tail_ = nullptr;
    std::uint64_t sent_ = 0;  // Of the head.
};

}  // namespace mc::nvme::host
