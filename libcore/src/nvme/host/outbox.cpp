#include "nvme/host/outbox.h"

#include <array>

namespace mc::nvme::host {
namespace {

constexpr std::size_t kPartsPerPdu = 4;
// More than a socket takes at once; naming further parts would be wasted work.
constexpr std::uint64_t kMostBytes = 4 << 20;

// What pads a header until its data, of which 255 bytes are the most that a data offset can say.
const std::array<std::byte, 256> kZeros{};

// The kernel only reads from it.
iovec part(const void* data, std::size_t length) {
    return {const_cast<void*>(data), length};
}

std::size_t partsBeforeData(const OutgoingPdu& pdu, std::span<iovec> parts) {
    std::size_t count = 0;
    parts[count++] = part(pdu.header, pdu.header_length);
    if (pdu.padding > 0) parts[count++] = part(kZeros.data(), pdu.padding);
    return count;
}

std::size_t partsOf(const OutgoingPdu& pdu, std::span<iovec> parts) {
    std::size_t count = partsBeforeData(pdu, parts);
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

Gathered Outbox::gather(std::span<iovec> parts) const {
    Gathered all;
    std::uint64_t skip = sent_;
    for (const OutgoingPdu* pdu = head_;
         pdu != nullptr && all.parts + kPartsPerPdu <= parts.size() && !all.more && all.bytes < kMostBytes;
         pdu = pdu->next) {
        const auto room = parts.subspan(all.parts);
        const std::uint64_t before_data = std::uint64_t{pdu->header_length} + pdu->padding;
        all.more = pdu->data_length >= least_pages_ && skip < before_data;
        const std::size_t added = all.more ? partsBeforeData(*pdu, room) : partsOf(*pdu, room);
        all.bytes += (all.more ? before_data : pdu->length()) - skip;
        all.parts += skip == 0 ? added : skipBytes(room.first(added), skip);
        skip = 0;
    }
    return all;
}

std::span<const std::byte> Outbox::pages(bool& more) const {
    if (head_ == nullptr || head_->data_length < least_pages_) return {};
    const std::uint64_t before_data = std::uint64_t{head_->header_length} + head_->padding;
    if (sent_ < before_data || sent_ >= before_data + head_->data_length) return {};
    more = head_->data_digested || head_->left > 0 || head_->next != nullptr;
    return std::span(head_->data, head_->data_length).subspan(sent_ - before_data);
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
