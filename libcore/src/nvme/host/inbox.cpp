#include "nvme/host/inbox.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"

namespace mc::nvme::host {
namespace {

// From here on data is received where it belongs: a system call costs less than the copy.
constexpr std::size_t kLarge = 16 << 10;
// Beside large data: the next header, and little of what follows it.
constexpr std::size_t kSmallWindow = 64;
// Nothing but the next header: of data, or of an answer.
constexpr std::size_t kLeastWindow = sizeof(DataPdu);
static_assert(kLeastWindow == sizeof(CapsuleResponse));
// After so many PDUs without data in a row, what comes next is taken for more of them.
constexpr unsigned kForgetLarge = 4;

std::size_t headerLength(PduType type) {
    switch (type) {
        case PduType::InitializeConnectionResponse:
            return sizeof(InitializeConnection);
        case PduType::ControllerToHostTerminate:
            return sizeof(Terminate);
        case PduType::CapsuleResponse:
            return sizeof(CapsuleResponse);
        case PduType::ControllerToHostData:
            return sizeof(DataPdu);
        case PduType::ReadyToTransfer:
            return sizeof(ReadyToTransfer);
        default:
            return 0;
    }
}

bool hasDigest(PduType type) {
    return type != PduType::InitializeConnectionResponse && type != PduType::ControllerToHostTerminate;
}

}  // namespace

Inbox::Inbox(bool header_digest) : header_digest_(header_digest), stage_(kStage) {}

std::size_t Inbox::place(std::span<iovec, 2> parts, std::uint64_t& wanted, bool narrow) {
    std::size_t count = 0;
    wanted = 0;
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (in_data_ && filled_ < data_.size()) {
            const auto rest = data_.subspan(filled_);
            parts[count++] = {rest.data(), rest.size()};
            wanted += rest.size();
        }
    } else if (begin_ > 0) {
        std::memmove(stage_.data(), stage_.data() + begin_, staged());
        end_ -= begin_;
        begin_ = 0;
    }
    const std::size_t header = kLeastWindow + (header_digest_ ? kDigestLength : 0);
    const std::size_t window = std::min(stage_.size() - end_, narrow ? header : large_ ? kSmallWindow : kStage);
    parts[count++] = {stage_.data() + end_, window};
    wanted += window;
    return count;
}

void Inbox::received(std::uint64_t bytes) {
    if (begin_ == end_ && in_data_) {
        const std::uint64_t direct = std::min<std::uint64_t>(bytes, data_.size() - filled_);
        filled_ += direct;
        bytes -= direct;
    }
    end_ += bytes;
}

Inbox::Event Inbox::next() {
    return in_data_ ? takeData() : takeHeader();
}

Inbox::Event Inbox::malformed(std::uint16_t reason, std::string_view complaint) {
    reason_ = reason;
    complaint_ = complaint;
    return Event::Malformed;
}

Inbox::Event Inbox::takeHeader() {
    if (staged() < sizeof(PduHeader)) return Event::NeedMore;
    PduHeader header;
    std::memcpy(&header, stage_.data() + begin_, sizeof(header));
    header_ = std::span(stage_).subspan(begin_, sizeof(header));
    const std::size_t length = headerLength(header.type);
    if (length == 0) return malformed(fatal::kInvalidPduHeaderField, "a PDU of a type that no controller sends");
    if (header.header_length != length) return malformed(fatal::kInvalidPduHeaderField, "a wrong header length");
    const bool digest_expected = header_digest_ && hasDigest(header.type);
    if (((header.flags & pdu_flag::kHeaderDigest) != 0) != digest_expected) {
        return malformed(fatal::kInvalidPduHeaderField, "a header digest flag other than agreed");
    }
    const bool has_data = header.type == PduType::ControllerToHostData;
    if (!has_data && ++without_data_ >= kForgetLarge) large_ = false;
    const std::size_t with_digest = length + (digest_expected ? kDigestLength : 0);
    std::size_t whole = with_digest;
    if (has_data) {
        whole = header.data_offset;
        if (whole < with_digest || whole % 4 != 0) {
            return malformed(fatal::kInvalidPduHeaderField, "a data offset within the header, or not of dwords");
        }
    } else if (header.type == PduType::ControllerToHostTerminate) {
        if (header.length < with_digest || header.length > with_digest + kMaxTerminateData) {
            return malformed(fatal::kInvalidPduHeaderField, "a wrong PDU length");
        }
    } else if (header.length != whole) {
        return malformed(fatal::kInvalidPduHeaderField, "a wrong PDU length");
    }
    if (staged() < whole) return Event::NeedMore;
    header_ = std::span(stage_).subspan(begin_, length);
    begin_ += whole;
    if (digest_expected) {
        std::uint32_t digest = 0;
        std::memcpy(&digest, header_.data() + length, sizeof(digest));
        if (digest != crc32c(header_)) return malformed(fatal::kHeaderDigestError, "a header digest that does not fit");
    }
    return Event::Header;
}

void Inbox::expectData(std::span<std::byte> memory, bool digested) {
    in_data_ = true;
    digested_ = digested;
    data_ = memory;
    filled_ = 0;
    large_ = memory.size() >= kLarge;
    without_data_ = 0;
}

Inbox::Event Inbox::takeData() {
    if (filled_ < data_.size()) {
        const std::size_t length = std::min(data_.size() - filled_, staged());
        std::memcpy(data_.data() + filled_, stage_.data() + begin_, length);
        filled_ += length;
        begin_ += length;
        if (filled_ < data_.size()) return Event::NeedMore;
    }
    if (digested_) {
        if (staged() < kDigestLength) return Event::NeedMore;
        std::memcpy(&digest_, stage_.data() + begin_, kDigestLength);
        begin_ += kDigestLength;
    }
    in_data_ = false;
    return Event::Data;
}

}  // namespace mc::nvme::host
