#include "nvme/host/outbox.h"

#include <array>

namespace mc::nvme::host {
namespace {

constexpr std::size_t kPartsPerPdu = 4;
// More than a socket takes at once; naming further parts would be wasted work.
constexpr std::uint64_t kMostBytes = 4 << 20;

// What pads a header until its data, of which 255 bytes are the most that a data offset can say.
const std::array<std::byte, 256> kZeros{};

std::size_t partsOf(const OutgoingPdu& pdu, std::span<iovec> parts) {
    // The kernel only reads from them.
    const auto part = [](const void* data, std::size_t length) { return iovec{const_cast<void*>(data), length}; };
    std::size_t count = 0;
    parts[count++] = part(pdu.header, pdu.header_length);
    if (pdu.padding > 0) parts[count++] = part(kZeros.data(), pdu.padding);
    if (pdu.data_length > 0) parts[count++] = part(pdu.data, pdu.data_length);
    if (pdu.data_digested) parts[count++] = part(&pdu.data_digest, kDigestLength);
    return count;
}

// Takes `skip` bytes off the front of `parts`; returns how many parts are left, moved to the front.
std::size_t skipBytes(std::span<iovec> parts, std::uint64_t skip) {
    std::size_t kept = 0;
    for (const iovec& part : parts) {
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        parts[kept++] = {static_cast<std::byte*>(part.iov_base) + skip, part.iov_len - skip};
        skip = 0;
    }
    return kept;
}

}  // namespace

void Outbox::push(OutgoingPdu& pdu) {
    pdu.next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = &pdu;
    tail_ = &pdu;
}

std::size_t Outbox::gather(std::span<iovec> parts, std::uint64_t& bytes) const {
    std::size_t count = 0;
    std::uint64_t skip = sent_;
    for (const OutgoingPdu* pdu = head_; pdu != nullptr && count + kPartsPerPdu <= parts.size() && bytes < kMostBytes;
         pdu = pdu->next) {
        const auto room = parts.subspan(count);
        const std::size_t added = partsOf(*pdu, room);
        bytes += pdu->length() - skip;
        count += skip == 0 ? added : skipBytes(room.first(added), skip);
        skip = 0;
    }
    return count;
}

OutgoingPdu* Outbox::sent(std::uint64_t bytes) {
    OutgoingPdu* const first = head_;
    OutgoingPdu* last = nullptr;
    sent_ += bytes;
    while (head_ != nullptr && sent_ >= head_->length()) {
        sent_ -= head_->length();
        last = head_;
        head_ = head_->next;
    }
    if (last == nullptr) return nullptr;
    last->next = nullptr;
    return first;
}

void Outbox::clear() {
    head_ = nullptr;
    tail_ = nullptr;
    sent_ = 0;
}

}  // namespace mc::nvme::host
