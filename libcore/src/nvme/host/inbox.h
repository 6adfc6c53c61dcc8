#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "nvme/wire/pdu.h"

namespace mc::nvme::host {

/// Cuts what a controller sends into PDUs and puts their data where it is told. A header is seen whole; it and its
/// digest have been checked for their form: the known type, the lengths and flags that belong to it.
///
/// Headers and small data are received many at a time and small data is copied from there; large data is received where
/// it belongs, with the header that follows it.
class Inbox {
  public:
    enum class Event {
        NeedMore,   ///< Everything is handled.
        Header,     ///< header(): a PDU without data, or one whose data has to be expected now: expectData.
        Data,       ///< data() is filled.
        Malformed,  ///< reason(), complaint(): nothing further can be understood.
    };

    explicit Inbox(bool header_digest);

    /// Names where to receive; `wanted` is the room. `narrow`: beside data there is room for one header, so that it
    /// has nothing of its own data behind it.
    std::size_t place(std::span<iovec, 2> parts, std::uint64_t& wanted, bool narrow);
    void received(std::uint64_t bytes);
    Event next();

    /// Without its digest. Valid until the next call of place.
    std::span<const std::byte> header() const { return header_; }
    void expectData(std::span<std::byte> memory, bool digested);
    std::span<const std::byte> data() const { return data_; }
    /// Bytes of data that are yet to be received.
    std::size_t missing() const { return in_data_ ? data_.size() - filled_ : 0; }
    /// Something was received that is not handled yet.
    bool holdsMore() const { return begin_ != end_; }
    std::uint32_t digest() const { return digest_; }
    std::uint16_t reason() const { return reason_; }
    std::string_view complaint() const { return complaint_; }

  private:
    static constexpr std::size_t kStage = 64 << 10;

    Event malformed(std::uint16_t reason, std::string_view complaint);
    Event takeHeader();
    Event takeData();
    std::size_t staged() const { return end_ - begin_; }

    const bool header_digest_;
    std::vector<std::byte> stage_;
    std::size_t begin_ = 0;  // Of what has come and was not handled.
    std::size_t end_ = 0;
    std::span<const std::byte> header_;
    bool large_ = false;         // The last data was: what follows had better not come to the stage.
    unsigned without_data_ = 0;  // PDUs since then.

    bool in_data_ = false;
    bool digested_ = false;
    std::span<std::byte> data_;
    std::size_t filled_ = 0;
    std::uint32_t digest_ = 0;

    std::uint16_t reason_ = 0;
    std::string_view complaint_;
};

}  // namespace mc::nvme::host
