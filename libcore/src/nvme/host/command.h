#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/page_receiver.h"
#include "nvme/wire/command.h"
#include "nvme/wire/pdu.h"

namespace mc::nvme::host {

struct Command;

/// A PDU on its way to the controller, and of a ReadyToTransfer what has to follow it. Belongs to the queue for good.
struct OutgoingPdu {
    /// Capsule or data header with its digest.
    alignas(8) std::byte header[sizeof(CapsuleCommand) + kDigestLength];
    std::uint32_t header_length = 0;
    std::uint32_t padding = 0;
    std::uint32_t data_length = 0;
    bool data_digested = false;
    std::uint32_t data_digest = 0;
    const std::byte* data = nullptr;
    Command* command = nullptr;
    OutgoingPdu* next = nullptr;

    // Of what a ReadyToTransfer asked for:
    bool wanted = false;
    std::uint16_t transfer_tag = 0;
    std::uint32_t offset = 0;  ///< Where the next data PDU begins, in the command's data.
    std::uint32_t left = 0;    ///< That is in no PDU yet.

    std::uint64_t length() const {
        return std::uint64_t{header_length} + padding + data_length + (data_digested ? kDigestLength : 0);
    }
};

/// How a command's data goes.
enum class DataWay : std::uint8_t { None, ToHost, InCapsule, OnRequest };

/// One entry of a queue, with all that a command needs from submission to its end.
struct Command {
    OutgoingPdu capsule;
    std::byte* data = nullptr;
    io::PageReceiver* pages = nullptr;  ///< All that has moved is there and not at `data`.
    std::uint32_t length = 0;
    std::uint32_t moved = 0;   ///< Bytes that have come, or were asked for.
    std::uint32_t issued = 0;  ///< In the queue's ticks.
    std::uint16_t generation = 0;
    std::uint16_t unsent = 0;  ///< PDUs of it that are not wholly sent.
    bool busy = false;
    bool patient = false;       ///< Without a time limit: an asynchronous event request.
    bool may_be_short = false;  ///< Fewer bytes than there is room for are no error.
    DataWay way = DataWay::None;
    /// The end: the controller's answer, or null where the connection was lost.
    void (*done)(void* context, const CompletionEntry* answer) = nullptr;
    void* context = nullptr;
    Command* next_free = nullptr;
};

/// A command to be sent.
struct Submission {
    SubmissionEntry entry;  ///< Without flags, command id and data pointer.
    std::span<std::byte> data;
    io::PageReceiver* pages = nullptr;  ///< May take what comes, instead of `data`: all of it.
    bool to_host = false;               ///< Which way `data` goes.
    bool patient = false;
    bool may_be_short = false;
    void (*done)(void* context, const CompletionEntry* answer) = nullptr;
    void* context = nullptr;
};

}  // namespace mc::nvme::host
