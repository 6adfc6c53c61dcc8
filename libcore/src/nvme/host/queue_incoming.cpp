// What the controller sends: every PDU is held against the command that it claims to belong to.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "base/errors.h"
#include "nvme/host/pdu_names.h"
#include "nvme/host/queue.h"

namespace mc::nvme::host {

// False: closed.
bool Queue::serveInbox() {
    for (;;) {
        switch (inbox_.next()) {
            case Inbox::Event::NeedMore:
                return true;
            case Inbox::Event::Malformed:
                return violation(inbox_.reason(), inbox_.header(), inbox_.complaint());
            case Inbox::Event::Header:
                if (!onHeader(inbox_.header())) return false;
                break;
            case Inbox::Event::Data:
                if (!finishData()) return false;
                break;
        }
    }
}

// False: closed.
bool Queue::onHeader(std::span<const std::byte> pdu) {
    PduHeader header;
    std::memcpy(&header, pdu.data(), sizeof(header));
    if (header.type == PduType::ControllerToHostTerminate) {
        onTerminate(pdu);
        return false;
    }
    if (state_ == State::Initializing) {
        if (header.type == PduType::InitializeConnectionResponse) return acceptInitializeResponse(pdu);
        return violation(fatal::kPduSequenceError, pdu, "no InitializeConnectionResponse");
    }
    switch (header.type) {
        case PduType::CapsuleResponse:
            return onResponse(pdu);
        case PduType::ControllerToHostData:
            return onData(pdu);
        case PduType::ReadyToTransfer:
            return onReadyToTransfer(pdu);
        default:
            return violation(fatal::kPduSequenceError, pdu, fmt::format("{} out of turn", nameOf(header.type)));
    }
}

Command* Queue::find(std::uint16_t command_id) {
    const std::size_t index = command_id & kIndexMask;
    if (index >= commands_.size()) return nullptr;
    Command& command = commands_[index];
    const auto generation = static_cast<std::uint16_t>(command.generation << kIndexBits);
    return command.busy && generation == (command_id & ~kIndexMask) ? &command : nullptr;
}

bool Queue::onResponse(std::span<const std::byte> pdu) {
    CapsuleResponse response;
    std::memcpy(&response, pdu.data(), sizeof(response));
    Command* const command = find(response.completion.command_id);
    if (command == nullptr) return violation(fatal::kInvalidPduHeaderField, pdu, "the answer to an unknown command");
    if (command->unsent > 0) return violation(fatal::kPduSequenceError, pdu, "the answer to a command not wholly sent");
    const bool short_of_data =
        (command->way == DataWay::ToHost && !command->may_be_short) || command->way == DataWay::OnRequest;
    if (response.completion.statusCode() == 0 && short_of_data && command->moved < command->length) {
        return violation(fatal::kPduSequenceError, pdu, "success before all data");
    }
    finish(*command, &response.completion);
    return state_ != State::Closed;
}

bool Queue::onData(std::span<const std::byte> pdu) {
    DataPdu data;
    std::memcpy(&data, pdu.data(), sizeof(data));
    Command* const command = find(data.command_id);
    if (command == nullptr) return violation(fatal::kInvalidPduHeaderField, pdu, "data for an unknown command");
    if (command->way != DataWay::ToHost || command->unsent > 0) {
        return violation(fatal::kPduSequenceError, pdu, "data for a command that has not asked for it");
    }
    if (data.data_offset != command->moved || data.data_length > command->length - command->moved) {
        return violation(fatal::kDataTransferOutOfRange, pdu, "data outside of, or out of order within, its command's");
    }
    const std::uint64_t whole =
        std::uint64_t{data.header.data_offset} + data.data_length + (setup_.data_digest ? kDigestLength : 0);
    const bool digested = (data.header.flags & pdu_flag::kDataDigest) != 0;
    if (data.data_length == 0 || data.header.length != whole || digested != setup_.data_digest) {
        return violation(fatal::kInvalidPduHeaderField, pdu, "lengths or flags that contradict each other");
    }
    const bool last = (data.header.flags & pdu_flag::kLastPdu) != 0;
    const bool success = (data.header.flags & pdu_flag::kSuccess) != 0;
    const bool complete = data.data_length == command->length - command->moved;
    if (success && (!last || (!complete && !command->may_be_short))) {
        return violation(fatal::kPduSequenceError, pdu, "success before all data");
    }
    // Pages come alone.
    if (command->pages != nullptr && inbox_.holdsMore() && !leavePages(*command)) {
        close(systemError("receive from", setup_.name, errno));
        return false;
    }
    receiving_ = command;
    ends_command_ = success;
    inbox_.expectData({command->data + command->moved, data.data_length}, setup_.data_digest);
    return true;
}

bool Queue::finishData() {
    Command& command = *std::exchange(receiving_, nullptr);
    if (setup_.data_digest && inbox_.digest() != crc32c(inbox_.data())) {
        return violation(fatal::kHeaderDigestError, {}, "a data digest that does not fit");
    }
    command.moved += static_cast<std::uint32_t>(inbox_.data().size());
    if (!ends_command_) return true;
    static constexpr CompletionEntry kSuccess{};
    finish(command, &kSuccess);
    return state_ != State::Closed;
}

bool Queue::onReadyToTransfer(std::span<const std::byte> pdu) {
    ReadyToTransfer ready;
    std::memcpy(&ready, pdu.data(), sizeof(ready));
    Command* const command = find(ready.command_id);
    if (command == nullptr) return violation(fatal::kInvalidPduHeaderField, pdu, "R2T for an unknown command");
    if (command->way != DataWay::OnRequest) {
        return violation(fatal::kPduSequenceError, pdu, "R2T for a command without such data");
    }
    if (ready.data_offset != command->moved || ready.data_length == 0 ||
        ready.data_length > command->length - command->moved) {
        return violation(fatal::kDataTransferOutOfRange, pdu,
                         "R2T outside of, or out of order within, a command's data");
    }
    const auto index = static_cast<std::size_t>(command - commands_.data());
    const auto transfers = std::span(transfers_).subspan(index * kMostTransfers, kMostTransfers);
    const auto unused = std::ranges::find(transfers, false, &OutgoingPdu::wanted);
    if (unused == transfers.end()) {
        return violation(fatal::kDataTransferLimitExceeded, pdu, "more R2T at once than were allowed");
    }
    unused->wanted = true;
    unused->transfer_tag = ready.transfer_tag;
    unused->offset = ready.data_offset;
    unused->left = ready.data_length;
    command->moved += ready.data_length;
    ++command->unsent;
    prepareTransfer(*unused);
    return true;
}

void Queue::onTerminate(std::span<const std::byte> pdu) {
    Terminate terminate;
    std::memcpy(&terminate, pdu.data(), sizeof(terminate));
    close(Error{ErrorCode::Protocol,
                fmt::format("{}: the controller ended the connection: {}, {:#x}", setup_.name,
                            fatalName(terminate.status), terminate.information()),
                {}});
}

}  // namespace mc::nvme::host
