#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::metadata {

/// Mooncake's handshake message types, as on the wire. Which of them a peer knows depends on its release: v0.3.0 to
/// v0.3.4 the first two, to v0.3.10 the first three.
enum class MessageType : std::uint8_t {
    Connection = 0,  ///< Queue pairs of two RDMA endpoints.
    Metadata = 1,    ///< Segment descriptors, in P2PHANDSHAKE mode.
    Notify = 2,      ///< A short message for the application.
    Probe = 3,       ///< Is the engine alive?
};
inline constexpr std::size_t kMessageTypes = 4;

/// Longest message that is read; MC_HANDSHAKE_MAX_LENGTH raises it.
inline constexpr std::size_t kDefaultMaxMessageLength = 1 << 20;

struct Frame {
    MessageType type = MessageType::Connection;
    bool old_format = false;  ///< As before v0.3.0: no type on the wire, always Connection.
    std::string json;
};

/// The frame's bytes; the JSON ends with a newline, which is added where it is missing.
std::string encodeFrame(const Frame& frame);

/// Reads one frame from bytes as they come. Takes memory for bytes that have arrived, not for a length that was said.
class FrameDecoder {
  public:
    /// `max_length` counts the type byte, where there is one, and the JSON.
    explicit FrameDecoder(std::size_t max_length) : max_length_(max_length) {}

    /// Takes bytes up to the frame's end and returns how many it took. Protocol: a length of 0 or above the limit, or
    /// an impossible type; the decoder is of no use then.
    Result<std::size_t> feed(std::string_view bytes);
    bool complete() const { return header_size_ == kHeaderSize && body_.size() == length_; }
    /// The frame; once, when complete. The JSON is not looked at.
    Frame take();

  private:
    static constexpr std::size_t kHeaderSize = 8;

    std::size_t max_length_;
    std::array<char, kHeaderSize> header_{};
    std::size_t header_size_ = 0;
    std::uint64_t length_ = 0;
    std::string body_;
};

}  // namespace mc::metadata
