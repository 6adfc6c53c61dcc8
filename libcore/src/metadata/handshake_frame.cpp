#include "metadata/handshake_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace mc::metadata {
namespace {

// Of the first byte of a message: up to 3 a type; above, the old format's JSON has begun. Stock programs compare signed
// characters and so take 0x80 and above for types, which none is.
constexpr unsigned char kLastType = static_cast<unsigned char>(MessageType::Probe);
constexpr unsigned char kFirstImpossible = 0x80;

}  // namespace

std::string encodeFrame(const Frame& frame) {
    const bool add_newline = !frame.json.ends_with('\n');
    const std::uint64_t length = frame.json.size() + (add_newline ? 1 : 0) + (frame.old_format ? 0 : 1);
    std::string bytes;
    bytes.reserve(sizeof(length) + length);
    for (unsigned shift = 0; shift < 64; shift += 8) {
        bytes.push_back(static_cast<char>(length >> shift & 0xffU));
    }
    if (!frame.old_format) bytes.push_back(static_cast<char>(frame.type));
    bytes += frame.json;
    if (add_newline) bytes.push_back('\n');
    return bytes;
}

Result<std::size_t> FrameDecoder::feed(std::string_view bytes) {
    const std::size_t header_part = std::min(bytes.size(), kHeaderSize - header_size_);
    std::ranges::copy(bytes.substr(0, header_part), header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
    header_size_ += header_part;
    if (header_size_ < kHeaderSize) return header_part;
    if (length_ == 0) {
        for (std::size_t i = 0; i < kHeaderSize; ++i) {
            length_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(header_.at(i))) << (8 * i);
        }
        if (length_ == 0) return fail(ErrorCode::Protocol, "a handshake message of length 0");
        if (length_ > max_length_) {
            return fail(ErrorCode::Protocol,
                        fmt::format("a handshake message of {} bytes, above the limit of {}", length_, max_length_),
                        "MC_HANDSHAKE_MAX_LENGTH raises the limit");
        }
    }
    bytes.remove_prefix(header_part);
    const std::size_t body_part = std::min(bytes.size(), static_cast<std::size_t>(length_) - body_.size());
    body_.append(bytes.substr(0, body_part));
    if (!body_.empty() && static_cast<unsigned char>(body_.front()) >= kFirstImpossible) {
        return fail(ErrorCode::Protocol, fmt::format("a handshake message of the unknown type {}",
                                                     static_cast<unsigned char>(body_.front())));
    }
    return header_part + body_part;
}

Frame FrameDecoder::take() {
    Frame frame;
    const auto first = static_cast<unsigned char>(body_.front());
    frame.old_format = first > kLastType;
    if (!frame.old_format) {
        frame.type = static_cast<MessageType>(first);
        body_.erase(0, 1);
    }
    frame.json = std::exchange(body_, {});
    return frame;
}

}  // namespace mc::metadata
