// Connection: the life of its commands, from capsule to completion.
#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "nvme/target/connection.h"
#include "nvme/target/controller.h"
#include "nvme/target/namespace.h"
#include "nvme/target/worker.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

// From here on data are fetched straight to where they belong instead of with the headers around them.
constexpr std::uint32_t kDirectData = 16 << 10;

std::uint32_t alignUp(std::uint32_t value, std::uint32_t unit) {
    return (value + unit - 1) / unit * unit;
}

// Appends the digest of what is in `out` up to `length`.
std::uint8_t withDigest(std::span<std::byte> out, std::size_t begin, std::size_t length, bool digest) {
    if (digest) {
        const std::uint32_t crc = crc32c(out.subspan(begin, length));
        std::memcpy(out.data() + begin + length, &crc, sizeof(crc));
        length += sizeof(crc);
    }
    return static_cast<std::uint8_t>(begin + length);
}

}  // namespace

// 0, or with what the command ends without being carried out.
Status Connection::begin(Command& command, std::uint32_t capsule_bytes) {
    constexpr std::uint8_t kFlags = SubmissionEntry::kUsesSgl | 0x80 | SubmissionEntry::kFused;
    // SPDK's host gives the identifiers of its event requests away again when it shuts a controller down.
    if (!table_.claim(command) && !(commands_->forget(command.entry.command_id) && table_.claim(command))) {
        return genericStatus(NVME_SC_CMDID_CONFLICT);
    }
    if ((command.entry.flags & kFlags) != SubmissionEntry::kUsesSgl) return genericStatus(NVME_SC_INVALID_FIELD);
    const Status status = commands_->prepare(command);
    if (command.target != nullptr) command.target->use(worker_.index());
    if (status != 0) return status;

    const SglDescriptor& sgl = command.entry.data;
    if (command.direction == Command::Direction::None) {
        return sgl.length == 0 && capsule_bytes == 0 ? 0 : genericStatus(NVME_SC_SGL_INVALID_DATA);
    }
    const bool from_capsule =
        sgl.type == SglDescriptor::kInCapsule && command.direction == Command::Direction::FromHost;
    if (!from_capsule && sgl.type != SglDescriptor::kTransport) return genericStatus(NVME_SC_SGL_INVALID_TYPE);
    const bool too_much = command.entry.opcode != kFabricsOpcode && command.length > in_capsule_bytes_;
    if (from_capsule && (sgl.address != 0 || too_much)) return genericStatus(NVME_SC_SGL_INVALID_OFFSET);
    if (sgl.length != command.length || capsule_bytes != (from_capsule ? command.length : 0)) {
        return genericStatus(NVME_SC_SGL_INVALID_DATA);
    }
    return 0;
}

Connection::Progress Connection::onCapsule(const PduLayout& layout) {
    Command* const command = table_.take();
    if (command == nullptr) {  // More than the queue has entries.
        terminate({fatal::kPduSequenceError, 0});
        return Progress::Ended;
    }
    std::memcpy(&command->entry, staging_.get() + staged_begin_ + sizeof(PduHeader), sizeof(command->entry));
    command->state = Command::State::Executing;
    command->direction = Command::Direction::None;
    command->transport_failed = command->on_device = command->in_capsule = false;
    command->length = command->extra = command->received = command->step = 0;
    command->place = command->data = nullptr;
    command->file = -1;
    command->target = nullptr;
    const Status status = begin(*command, layout.data_bytes);
    const bool has_data = layout.data_bytes > 0;
    const bool wanted = status == 0 && has_data;
    command->refused = status;
    if (wanted && placed(*command)) {
        command->data = command->place;
    } else if (wanted) {
        command->buffer = worker_.capsuleBuffers().take(std::size_t{command->length} + command->extra);
        if (!command->buffer) {  // As if it had not come yet.
            release(*command);
            return Progress::Stalled;
        }
        command->in_capsule = true;
        command->data = command->buffer.memory.get();
    }
    add(worker_.counters.commands, 1);
    if (queue_.entries > 0) queue_head_ = static_cast<std::uint16_t>((queue_head_ + 1) % queue_.entries);
    if (has_data) command->state = Command::State::Receiving;
    expect(layout, has_data ? command : nullptr, wanted ? command->data : nullptr);
    if (!has_data && status != 0) {
        complete(*command, status);
    } else if (!has_data) {
        proceed(*command);
    }
    return Progress::NeedsInput;
}

bool Connection::mayTakeTransferBuffer(const Command& command) const {
    return transfer_bytes_ == 0 || transfer_bytes_ + command.length + command.extra <= worker_.transferBuffers().room();
}

bool Connection::takeTransferBuffer(Command& command) {
    command.buffer = worker_.transferBuffers().take(std::size_t{command.length} + command.extra);
    if (!command.buffer) return false;
    transfer_bytes_ += command.buffer.size();
    command.data = command.buffer.memory.get();
    return true;
}

// Gets room for its data, if there are any.
void Connection::proceed(Command& command) {
    if (command.length > 0 && placed(command)) {
        command.data = command.place;
    } else if (command.length > 0 && !worker_.giveTransferBuffer(command)) {
        command.state = Command::State::WaitingForBuffer;
        worker_.wait(command);
        return;
    }
    resume(command);
}

void Connection::resume(Command& command) {
    if (command.direction == Command::Direction::FromHost && command.length > 0) {
        askForData(command);
    } else {
        execute(command);
    }
}

// One R2T for all of it: what any MAXR2T allows.
void Connection::askForData(Command& command) {
    command.state = Command::State::AwaitingData;
    command.asked_at = worker_.sweeps();
    if (command.length >= kDirectData) ++asked_for_;
    const std::uint8_t flags = rules_.header_digest ? pdu_flag::kHeaderDigest : 0;
    const ReadyToTransfer pdu{
        .header = {.type = PduType::ReadyToTransfer,
                   .flags = flags,
                   .header_length = sizeof(ReadyToTransfer),
                   .length = static_cast<std::uint32_t>(sizeof(pdu) + (rules_.header_digest ? kDigestLength : 0))},
        .command_id = command.entry.command_id,
        .transfer_tag = command.index,
        .data_length = command.length,
    };
    Output& output = command.output;
    std::memcpy(output.head.data(), &pdu, sizeof(pdu));
    output.head_length = withDigest(output.head, 0, sizeof(pdu), rules_.header_digest);
    output.padding = output.tail_length = 0;
    output.length = 0;
    output.file = -1;
    output_.push(output);
    markUnsent();
}

void Connection::onData(const PduHeader& header, const PduLayout& layout) {
    DataPdu pdu;
    std::memcpy(&pdu, staging_.get() + staged_begin_, sizeof(pdu));
    Command* const command = table_.find(pdu.transfer_tag);
    const bool asked = command != nullptr && command->state == Command::State::AwaitingData &&
                       command->output.sent == command->output.size();
    if (!asked) return terminate({fatal::kInvalidPduHeaderField, offsetof(DataPdu, transfer_tag)});
    if (pdu.command_id != command->entry.command_id) {
        return terminate({fatal::kInvalidPduHeaderField, offsetof(DataPdu, command_id)});
    }
    if (pdu.data_offset != command->received) return terminate({fatal::kDataTransferOutOfRange, 0});
    if (pdu.data_length > command->length - command->received) return terminate({fatal::kDataTransferOutOfRange, 0});
    if (pdu.data_length == 0 || pdu.data_length != layout.data_bytes) {
        return terminate({fatal::kInvalidPduHeaderField, offsetof(DataPdu, data_length)});
    }
    const bool last = pdu.data_offset + pdu.data_length == command->length;
    if (last != ((header.flags & pdu_flag::kLastPdu) != 0)) {
        return terminate({fatal::kInvalidPduHeaderField, offsetof(PduHeader, flags)});
    }
    command->asked_at = worker_.sweeps();
    expect(layout, command, command->data + command->received);
}

// The data of a capsule or a data PDU are whole.
void Connection::endData() {
    incoming_.active = false;
    Command* const command = incoming_.command;
    if (command == nullptr) return;
    // Not earlier: no host is told of the end of a command that it has not wholly sent.
    if (command->refused != 0) return complete(*command, command->refused);
    if (incoming_.digest) {
        std::uint32_t received = 0;
        std::memcpy(&received, incoming_.received_digest.data(), sizeof(received));
        const std::span data(incoming_.to - incoming_.length, incoming_.length);
        if (crc32c(data) != received) command->transport_failed = true;
    }
    if (command->state == Command::State::AwaitingData) {
        command->received += incoming_.length;
        if (command->received < command->length) return;
        if (command->length >= kDirectData) --asked_for_;
    }
    execute(*command);
}

void Connection::execute(Command& command) {
    command.state = Command::State::Executing;
    // Data that were damaged on their way are no reason to end the connection (section 3.3.1.1); the host tries again.
    if (command.transport_failed) return complete(command, NVME_SC_TRAN_TPORT_ERROR);
    commands_->execute(command);
}

void Connection::submit(Command& command) {
    command.request.done = &Connection::onDevice;
    command.request.context = &command;
    command.on_device = true;
    ++on_device_;
    const auto ended = worker_.blocks().submit(command.request);
    if (!ended) return;
    command.on_device = false;
    --on_device_;
    commands_->onDevice(command, *ended);
}

void Connection::onDevice(io::BlockRequest& request, int error) {
    Command& command = *static_cast<Command*>(request.context);
    Connection& self = *command.connection;
    command.on_device = false;
    --self.on_device_;
    if (self.state_ != State::Over) return self.commands_->onDevice(command, error);
    self.release(command);
    if (self.on_device_ == 0) self.worker_.forget(self);
}

void Connection::complete(Command& command, Status status, std::uint64_t result) {
    // Nothing is sent behind a termination request; what comes while it is read would only reset the connection.
    if (state_ >= State::Closing) return release(command);
    const bool with_data = status == 0 && command.direction == Command::Direction::ToHost && command.length > 0;
    if (status != 0) recordFailure(command, status);
    compose(command, status, result, with_data);
    command.state = Command::State::Sending;
    output_.push(command.output);
    markUnsent();
}

void Connection::recordFailure(const Command& command, Status status) {
    add(worker_.counters.failed_commands, 1);
    if (queue_.controller == nullptr) return;
    queue_.controller->errors().add({.queue = queue_.id,
                                     .command = command.entry.command_id,
                                     .status = status,
                                     .nsid = command.entry.nsid,
                                     .block = queue_.id == 0 ? 0 : command.entry.startingBlock()});
}

void Connection::compose(Command& command, Status status, std::uint64_t result, bool with_data) {
    Output& output = command.output;
    const std::uint8_t header_flag = rules_.header_digest ? pdu_flag::kHeaderDigest : 0;
    const auto header_digest = static_cast<std::uint32_t>(rules_.header_digest ? kDigestLength : 0);
    // Without flow control there is nothing to tell but success, which the data can do.
    const bool data_alone = with_data && !queue_.flow_control && result == 0;
    output.head_length = output.padding = output.tail_length = 0;
    output.length = 0;
    output.file = -1;
    if (with_data) {
        const bool data_digest = rules_.data_digest;
        const std::uint32_t offset = alignUp(sizeof(DataPdu) + header_digest, host_alignment_);
        const DataPdu pdu{
            .header = {.type = PduType::ControllerToHostData,
                       .flags = static_cast<std::uint8_t>(header_flag | pdu_flag::kLastPdu |
                                                          (data_digest ? pdu_flag::kDataDigest : 0U) |
                                                          (data_alone ? pdu_flag::kSuccess : 0U)),
                       .header_length = sizeof(DataPdu),
                       .data_offset = static_cast<std::uint8_t>(offset),
                       .length = offset + command.length + static_cast<std::uint32_t>(data_digest ? kDigestLength : 0)},
            .command_id = command.entry.command_id,
            .data_length = command.length,
        };
        std::memcpy(output.head.data(), &pdu, sizeof(pdu));
        output.head_length = withDigest(output.head, 0, sizeof(pdu), rules_.header_digest);
        output.padding = static_cast<std::uint8_t>(offset - output.head_length);
        output.data = command.data;
        output.length = command.length;
        output.file = placed(command) ? command.file : -1;
        output.file_offset = command.offset;
        if (data_digest) {
            const std::uint32_t crc = crc32c({command.data, command.length});
            std::memcpy(output.tail.data(), &crc, sizeof(crc));
            output.tail_length = sizeof(crc);
        }
    }
    if (data_alone) return;
    const CapsuleResponse pdu{
        .header = {.type = PduType::CapsuleResponse,
                   .flags = header_flag,
                   .header_length = sizeof(CapsuleResponse),
                   .length = static_cast<std::uint32_t>(sizeof(pdu) + header_digest)},
        .completion = {.result = static_cast<std::uint32_t>(result),
                       .result_high = static_cast<std::uint32_t>(result >> 32U),
                       .queue_head = queue_.flow_control ? queue_head_ : std::uint16_t{0xffff},
                       .command_id = command.entry.command_id,
                       .status = static_cast<std::uint16_t>(status << 1U)},
    };
    std::memcpy(output.tail.data() + output.tail_length, &pdu, sizeof(pdu));
    output.tail_length = withDigest(output.tail, output.tail_length, sizeof(pdu), rules_.header_digest);
}

// Nothing of it is used any more: not its data, not its namespace, not its entry.
void Connection::release(Command& command) {
    if (command.buffer) {
        given_back_ += command.buffer.size();
        if (!command.in_capsule) transfer_bytes_ -= command.buffer.size();
        (command.in_capsule ? worker_.capsuleBuffers() : worker_.transferBuffers()).give(std::move(command.buffer));
        worker_.retryLater();
    }
    if (command.target != nullptr) command.target->unuse(worker_.index());
    command.target = nullptr;
    table_.give(command);
}

}  // namespace mc::nvme
