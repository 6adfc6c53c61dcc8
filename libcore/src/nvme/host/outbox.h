#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "io/page_sender.h"
#include "nvme/host/command.h"

namespace mc::nvme::host {

/// What can be sent with one system call.
struct Gathered {
    std::size_t parts = 0;
    std::uint64_t bytes = 0;
    bool more = false;  ///< Pages follow.
};

/// PDUs that wait to be sent, in order.
class Outbox {
  public:
    bool empty() const { return head_ == nullptr; }
    void push(OutgoingPdu& pdu);
    /// A PDU has gone in part.
    bool inTheMiddle() const { return sent_ != 0; }
    /// Names what is to be sent next, but for pages.
    Gathered gather(std::span<iovec> parts) const;
    /// What is to be sent next, if it is so much data of one PDU that sending its pages pays; else empty.
    /// `more`: something follows it.
    std::span<const std::byte> pages(bool& more) const;
    /// From now on all is gathered.
    void avoidPages() { least_pages_ = std::numeric_limits<std::size_t>::max(); }
    /// That many bytes were sent. Returns the PDUs that went with them wholly, linked by `next`.
    OutgoingPdu* sent(std::uint64_t bytes);
    void clear();

  private:
    OutgoingPdu* head_ = nullptr;
    OutgoingPdu* tail_ = nullptr;
    std::uint64_t sent_ = 0;                            // Of the head.
    std::size_t least_pages_ = io::PageSender::kLeast;  // In bytes.
};

}  // namespace mc::nvme::host
