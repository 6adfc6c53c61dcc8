// Connection: PDUs as they come in, and the two that only a connection sends, its greeting and its farewell.
#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "base/log.h"
#include "nvme/target/connect_commands.h"
#include "nvme/target/connection.h"
#include "nvme/target/worker.h"

namespace mc::nvme {
namespace {

// Hosts send what comes with an admin or fabrics command in its capsule, up to this size, without asking: on I/O queues
// what proves who they are.
constexpr std::uint32_t kAdminInCapsuleBytes = 8192;
constexpr std::uint8_t kMaxAlignment = 31;

}  // namespace

Connection::Connection(FileDescriptor socket, Worker& worker)
    : socket_(std::move(socket)), worker_(worker), commands_(std::make_unique<ConnectCommands>(*this)), table_(*this) {
    rules_.in_capsule_bytes = in_capsule_bytes_ = kAdminInCapsuleBytes;
    // All of any command's data in one PDU.
    rules_.max_data_bytes = worker.options().max_transfer_bytes;
}

void Connection::becomeQueue(QueueOptions options, std::unique_ptr<CommandSet> commands) {
    table_.grow(options.entries);
    output_.reserve(options.entries);
    in_capsule_bytes_ = options.id == 0 ? kAdminInCapsuleBytes : worker_.options().in_capsule_bytes;
    rules_.in_capsule_bytes = std::max(in_capsule_bytes_, kAdminInCapsuleBytes);
    queue_ = std::move(options);
    queue_head_ = 1;  // Connect was the first.
    commands_ = std::move(commands);
    state_ = State::Serving;
}

Connection::Progress Connection::parse() {
    for (;;) {
        if (incoming_.active) {
            takeData();
            if (incoming_.active) return Progress::NeedsInput;
        }
        if (state_ >= State::Closing || close_after_sending_) return Progress::Ended;
        if (staged().size() < sizeof(PduHeader)) return Progress::NeedsInput;
        const std::size_t before = staged_begin_;
        const Progress progress = startPdu();
        if (progress != Progress::NeedsInput || staged_begin_ == before) return progress;
    }
}

// NeedsInput with nothing taken: the header is not whole yet.
Connection::Progress Connection::startPdu() {
    PduHeader header;
    std::memcpy(&header, staged().data(), sizeof(header));
    const auto layout = checkPdu(header, rules_);
    if (!layout) {
        terminate(layout.error());
        return Progress::Ended;
    }
    if (staged().size() < layout->header_bytes) return Progress::NeedsInput;
    if (layout->header_digest && !headerDigestFits(header.header_length)) return Progress::Ended;
    return dispatch(header, *layout);
}

bool Connection::headerDigestFits(std::size_t length) {
    const std::uint32_t expected = crc32c(staged().first(length));
    std::uint32_t received = 0;
    std::memcpy(&received, staged().data() + length, sizeof(received));
    if (received != expected) terminate({fatal::kHeaderDigestError, received});
    return received == expected;
}

Connection::Progress Connection::dispatch(const PduHeader& header, const PduLayout& layout) {
    if (header.type == PduType::HostToControllerTerminate) {
        log::debug("nvme target: {}: the host ends the connection", peer());
        return Progress::Gone;
    }
    const bool first = state_ == State::Initializing;
    if (first != (header.type == PduType::InitializeConnectionRequest)) {
        terminate({fatal::kPduSequenceError, 0});
        return Progress::Ended;
    }
    switch (header.type) {
        case PduType::InitializeConnectionRequest:
            onInitialize(layout);
            break;
        case PduType::CapsuleCommand:
            return onCapsule(layout);
        default:
            onData(header, layout);
            break;
    }
    return state_ >= State::Closing ? Progress::Ended : Progress::NeedsInput;
}

void Connection::onInitialize(const PduLayout& layout) {
    InitializeConnection request;
    std::memcpy(&request, staged().data(), sizeof(request));
    if (request.version != 0) {
        return terminate({fatal::kUnsupportedParameter, offsetof(InitializeConnection, version)});
    }
    if (request.data_alignment > kMaxAlignment) {
        return terminate({fatal::kInvalidPduHeaderField, offsetof(InitializeConnection, data_alignment)});
    }
    constexpr std::uint8_t kHeader = 1;
    constexpr std::uint8_t kData = 2;
    host_alignment_ = (request.data_alignment + 1U) * 4;
    greeting_ = {.header = {.type = PduType::InitializeConnectionResponse,
                            .header_length = sizeof(InitializeConnection),
                            .length = sizeof(InitializeConnection)},
                 .digests = static_cast<std::uint8_t>(request.digests & (kHeader | kData)),
                 .limit = rules_.max_data_bytes};
    greeting_output_ = {.length = sizeof(greeting_), .data = reinterpret_cast<const std::byte*>(&greeting_)};
    output_.push(greeting_output_);
    rules_.header_digest = (request.digests & kHeader) != 0;
    rules_.data_digest = (request.digests & kData) != 0;
    state_ = State::Connecting;
    staged_begin_ += layout.header_bytes;
}

// Takes the header off; its data go to `to`, or nowhere.
void Connection::expect(const PduLayout& layout, Command* command, std::byte* to) {
    staged_begin_ += layout.header_bytes;
    if (layout.data_bytes == 0) return;
    incoming_.active = true;
    incoming_.command = command;
    incoming_.to = to;
    incoming_.left = incoming_.length = layout.data_bytes;
    incoming_.digest = layout.data_digest;
    incoming_.digest_left = layout.data_digest ? kDigestLength : 0;
}

// Moves staged data to where they belong and ends them when they are whole, their digest included.
void Connection::takeData() {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(incoming_.left, staged().size()));
    if (incoming_.to != nullptr) {
        std::memcpy(incoming_.to, staged().data(), bytes);
        incoming_.to += bytes;
    }
    incoming_.left -= bytes;
    staged_begin_ += bytes;
    if (incoming_.left > 0) return;
    const auto digest = static_cast<std::uint32_t>(std::min<std::size_t>(incoming_.digest_left, staged().size()));
    std::memcpy(incoming_.received_digest.data() + (kDigestLength - incoming_.digest_left), staged().data(), digest);
    incoming_.digest_left -= digest;
    staged_begin_ += digest;
    if (incoming_.digest_left == 0) endData();
}

// Tells the host why, and shows it the header that was wrong.
void Connection::terminate(Violation violation) {
    add(worker_.counters.protocol_errors, 1);
    log::debug("nvme target: {}: broke the protocol: status {}, field or digest {:#x}", peer(), violation.status,
               violation.information);
    const std::size_t shown =
        std::min({staged().size(), std::size_t{staged().size() > 2 ? std::to_integer<std::uint8_t>(staged()[2]) : 0U},
                  kMaxTerminateData});
    const Terminate pdu{.header = {.type = PduType::ControllerToHostTerminate,
                                   .header_length = sizeof(Terminate),
                                   .length = static_cast<std::uint32_t>(sizeof(Terminate) + shown)},
                        .status = violation.status,
                        .information_low = static_cast<std::uint16_t>(violation.information),
                        .information_high = static_cast<std::uint16_t>(violation.information >> 16U)};
    std::memcpy(farewell_.data(), &pdu, sizeof(pdu));
    std::memcpy(farewell_.data() + sizeof(pdu), staged().data(), shown);
    farewell_output_ = {.length = static_cast<std::uint32_t>(sizeof(pdu) + shown), .data = farewell_.data()};
    output_.push(farewell_output_);
    staged_begin_ = staged_end_ = 0;
    state_ = State::Closing;
}

}  // namespace mc::nvme
