#include "nvme/host/queue.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "base/errors.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::nvme::host {
namespace {

constexpr std::size_t kMostParts = 512;
constexpr std::uint32_t kLeastMaxData = 4096;  // MAXH2CDATA, by the specification.

bool wouldBlock(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

std::uint32_t alignUp(std::uint32_t value, std::uint32_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

Result<std::unique_ptr<Queue>> Queue::start(io::EventLoop& loop, Owner& owner, QueueSetup setup) {
    auto socket = io::startConnect(setup.address, setup.congestion);
    if (!socket) return std::unexpected(socket.error());
    std::unique_ptr<Queue> queue(new Queue(loop, owner, std::move(setup), std::move(*socket)));
    queue->interest_ = EPOLLOUT;
    const auto added = loop.add(queue->socket_.get(), queue->interest_, *queue);
    if (!added) return std::unexpected(added.error());
    return queue;
}

Queue::Queue(io::EventLoop& loop, Owner& owner, QueueSetup setup, FileDescriptor socket)
    : loop_(loop), owner_(owner), setup_(std::move(setup)), socket_(std::move(socket)), inbox_(setup_.header_digest) {
    const std::size_t count = std::clamp<std::size_t>(setup_.entries, 2, kMostEntries) - 1U;
    commands_.resize(count);
    transfers_.resize(count * kMostTransfers);
    for (std::size_t i = count; i-- > 0;) {
        commands_[i].capsule.command = &commands_[i];
        commands_[i].next_free = free_;
        free_ = &commands_[i];
        for (OutgoingPdu& transfer : std::span(transfers_).subspan(i * kMostTransfers, kMostTransfers)) {
            transfer.command = &commands_[i];
        }
    }
}

Queue::~Queue() {
    if (socket_) loop_.remove(socket_.get());
}

void Queue::onEvents(std::uint32_t events) {
    if (state_ == State::Connecting) {
        onConnected();
        return;
    }
    if ((events & EPOLLOUT) != 0 && !send()) return;
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
        if (!receive()) return;
        owner_.onServed(*this);
    }
    flush();
}

void Queue::onConnected() {
    if (const int error = io::connectError(socket_); error != 0) {
        close(systemError("connect to", setup_.name, error));
        return;
    }
    state_ = State::Initializing;
    InitializeConnection request{};
    request.header = {.type = PduType::InitializeConnectionRequest,
                      .flags = 0,
                      .header_length = sizeof(request),
                      .data_offset = 0,
                      .length = sizeof(request)};
    request.digests = static_cast<std::uint8_t>((setup_.header_digest ? 1U : 0U) | (setup_.data_digest ? 2U : 0U));
    request.limit = kMostTransfers - 1;
    // A fresh socket takes 128 bytes at once; if not, the answer stays away and the time limit tells.
    if (::send(socket_.get(), &request, sizeof(request), MSG_NOSIGNAL) < 0 && !wouldBlock(errno)) {
        close(systemError("send to", setup_.name, errno));
        return;
    }
    updateInterest();
}

bool Queue::acceptInitializeResponse(std::span<const std::byte> pdu) {
    InitializeConnection response{};
    std::memcpy(&response, pdu.data(), sizeof(response));
    const auto digests = static_cast<std::uint8_t>((setup_.header_digest ? 1U : 0U) | (setup_.data_digest ? 2U : 0U));
    if (response.version != 0) return violation(fatal::kInvalidPduHeaderField, pdu, "a PDU format that is not 0");
    if (response.digests != digests) {
        close(Error{
            ErrorCode::Unsupported,
            fmt::format("{}: asked for header digest {}, data digest {}; got {}, {}", setup_.name, setup_.header_digest,
                        setup_.data_digest, (response.digests & 1U) != 0, (response.digests & 2U) != 0),
            {}});
        return false;
    }
    if (response.limit < kLeastMaxData || response.limit % 4 != 0) {
        return violation(fatal::kInvalidPduHeaderField, pdu, "a MAXH2CDATA that is none");
    }
    if (response.data_alignment > 31) return violation(fatal::kInvalidPduHeaderField, pdu, "a CPDA above 31");
    max_data_ = response.limit;
    data_alignment_ = (std::uint32_t{response.data_alignment} + 1) * 4;
    state_ = State::Open;
    owner_.onOpen(*this);
    return state_ != State::Closed;
}

void Queue::submit(const Submission& submission) {
    Command& command = *free_;
    free_ = command.next_free;
    ++in_flight_;
    ++command.generation;
    command.busy = true;
    command.data = submission.data.data();
    command.length = static_cast<std::uint32_t>(submission.data.size());
    command.pages = pages_fit_ && !setup_.data_digest ? submission.pages : nullptr;  // A digest needs memory.
    if (command.pages != nullptr) ++with_pages_;
    command.moved = 0;
    command.issued = ticks_;
    command.patient = submission.patient;
    command.may_be_short = submission.may_be_short;
    command.done = submission.done;
    command.context = submission.context;
    command.way = submission.data.empty()                     ? DataWay::None
                  : submission.to_host                        ? DataWay::ToHost
                  : command.length <= setup_.in_capsule_bytes ? DataWay::InCapsule
                                                              : DataWay::OnRequest;
    prepareCapsule(command, submission.entry);
    command.unsent = 1;
    outbox_.push(command.capsule);
}

void Queue::prepareCapsule(Command& command, const SubmissionEntry& entry) {
    const auto index = static_cast<std::uint16_t>(&command - commands_.data());
    const bool inside = command.way == DataWay::InCapsule;
    auto& capsule = *reinterpret_cast<CapsuleCommand*>(command.capsule.header);
    capsule.header = {.type = PduType::CapsuleCommand,
                      .flags = 0,
                      .header_length = sizeof(CapsuleCommand),
                      .data_offset = 0,
                      .length = 0};
    capsule.command = entry;
    capsule.command.flags = SubmissionEntry::kUsesSgl;
    capsule.command.command_id = static_cast<std::uint16_t>(index | (command.generation << kIndexBits));
    capsule.command.data = {.address = 0,
                            .length = command.length,
                            .reserved = {},
                            .type = inside ? SglDescriptor::kInCapsule : SglDescriptor::kTransport};
    command.capsule.data = inside ? command.data : nullptr;
    command.capsule.data_length = inside ? command.length : 0;
    seal(command.capsule, sizeof(CapsuleCommand));
}

// Fills in what depends on the connection: lengths, padding, digests.
void Queue::seal(OutgoingPdu& pdu, std::size_t header_length) {
    PduHeader header;
    std::memcpy(&header, pdu.header, sizeof(header));
    pdu.header_length = static_cast<std::uint32_t>(header_length + (setup_.header_digest ? kDigestLength : 0));
    pdu.padding = 0;
    pdu.data_digested = setup_.data_digest && pdu.data_length > 0;
    if (pdu.data_length > 0) {
        const std::uint32_t offset = alignUp(pdu.header_length, data_alignment_);
        pdu.padding = offset - pdu.header_length;
        header.data_offset = static_cast<std::uint8_t>(offset);
    }
    if (setup_.header_digest) header.flags |= pdu_flag::kHeaderDigest;
    if (pdu.data_digested) header.flags |= pdu_flag::kDataDigest;
    header.length = static_cast<std::uint32_t>(pdu.length());
    std::memcpy(pdu.header, &header, sizeof(header));
    if (setup_.header_digest) {
        const std::uint32_t digest = crc32c(std::span(pdu.header).first(header_length));
        std::memcpy(pdu.header + header_length, &digest, kDigestLength);
    }
    if (pdu.data_digested) pdu.data_digest = crc32c(std::span(pdu.data, pdu.data_length));
}

// The next data PDU of what a ReadyToTransfer asked for.
void Queue::prepareTransfer(OutgoingPdu& transfer) {
    const Command& command = *transfer.command;
    CapsuleCommand capsule;
    std::memcpy(&capsule, command.capsule.header, sizeof(capsule));
    const std::uint32_t length = std::min(transfer.left, max_data_);
    const bool last = length == transfer.left;
    const DataPdu pdu{.header = {.type = PduType::HostToControllerData,
                                 .flags = last ? pdu_flag::kLastPdu : std::uint8_t{0},
                                 .header_length = sizeof(DataPdu),
                                 .data_offset = 0,
                                 .length = 0},
                      .command_id = capsule.command.command_id,
                      .transfer_tag = transfer.transfer_tag,
                      .data_offset = transfer.offset,
                      .data_length = length,
                      .reserved = 0};
    std::memcpy(transfer.header, &pdu, sizeof(pdu));
    transfer.data = command.data + transfer.offset;
    transfer.data_length = length;
    transfer.offset += length;
    transfer.left -= length;
    seal(transfer, sizeof(DataPdu));
    outbox_.push(transfer);
}

void Queue::flush() {
    if (state_ != State::Open) {
        if (state_ == State::Initializing) updateInterest();
        return;
    }
    if (!outbox_.empty() && (interest_ & EPOLLOUT) == 0 && !send()) return;
    updateInterest();
}

// As sendmsg(2), of some of what is to be sent: `offered` bytes.
ssize_t Queue::sendNext(std::uint64_t& offered) {
    bool more = false;
    if (const auto pages = outbox_.pages(more); !pages.empty()) {
        const ssize_t sent = page_sender_.send(socket_.get(), pages, more);
        offered = pages.size();
        if (sent >= 0 || errno != ENOTSUP) return sent;
        outbox_.avoidPages();
    }
    std::array<iovec, kMostParts> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    const Gathered next = outbox_.gather(parts);
    offered = next.bytes;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = next.parts;
    return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | (next.more ? MSG_MORE : 0));
}

// False: closed.
bool Queue::send() {
    while (!outbox_.empty()) {
        std::uint64_t offered = 0;
        const ssize_t sent = sendNext(offered);
        if (sent < 0) {
            if (wouldBlock(errno)) return true;
            // Why may be waiting behind the broken pipe.
            const Error error = systemError("send to", setup_.name, errno);
            if (receive()) close(error);
            return false;
        }
        for (OutgoingPdu* pdu = outbox_.sent(static_cast<std::uint64_t>(sent)); pdu != nullptr;) {
            OutgoingPdu& gone = *pdu;
            pdu = pdu->next;
            if (gone.left > 0) {
                prepareTransfer(gone);
            } else {
                gone.wanted = false;
                --gone.command->unsent;
            }
        }
        if (static_cast<std::uint64_t>(sent) < offered) return true;
    }
    return true;
}

// As recvmsg(2), of what is next: `wanted` bytes at most.
ssize_t Queue::receiveNext(std::uint64_t& wanted) {
    if (receiving_ != nullptr && receiving_->pages != nullptr && inbox_.missing() > 0) {
        wanted = inbox_.missing();
        const ssize_t got = receiving_->pages->receive(socket_.get(), wanted);
        if (got >= 0 || errno != ENOBUFS) return got;
        pages_fit_ = false;
        if (!leavePages(*receiving_)) return -1;
    }
    std::array<iovec, 2> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    msghdr message{};
    message.msg_iovlen = inbox_.place(parts, wanted, with_pages_ > 0);
    message.msg_iov = parts.data();
    return ::recvmsg(socket_.get(), &message, 0);
}

// What has come of its data, and what follows, is for the command's memory. False, with errno: it is lost.
bool Queue::leavePages(Command& command) {
    io::PageReceiver& pages = *std::exchange(command.pages, nullptr);
    --with_pages_;
    if (pages.received() == 0 || pages.copyTo({command.data, pages.received()})) return true;
    errno = EIO;
    return false;
}

// False: closed.
bool Queue::receive() {
    constexpr int kMostRounds = 32;  // Others in the loop have their turn.
    for (int round = 0; round < kMostRounds; ++round) {
        std::uint64_t wanted = 0;
        const ssize_t got = receiveNext(wanted);
        if (got == 0) {
            close(Error{
                ErrorCode::Unavailable, fmt::format("{}: the controller closed the connection", setup_.name), {}});
            return false;
        }
        if (got < 0) {
            if (wouldBlock(errno)) return true;
            close(systemError("receive from", setup_.name, errno));
            return false;
        }
        inbox_.received(static_cast<std::uint64_t>(got));
        if (!serveInbox()) return false;
        if (static_cast<std::uint64_t>(got) < wanted) return true;
    }
    return true;
}

void Queue::finish(Command& command, const CompletionEntry* answer) {
    if (std::exchange(command.pages, nullptr) != nullptr) --with_pages_;
    command.busy = false;
    command.next_free = free_;
    free_ = &command;
    --in_flight_;
    command.done(command.context, answer);
}

void Queue::endAll() {
    for (Command& command : commands_) {
        if (command.busy) finish(command, nullptr);
    }
}

// Always false: closed.
bool Queue::violation(std::uint16_t reason, std::span<const std::byte> pdu, std::string_view what) {
    // One that is being sent can't be cut short.
    if (!outbox_.inTheMiddle()) {
        Terminate terminate{};
        const std::size_t quoted = std::min(pdu.size(), kMaxTerminateData);
        terminate.header = {.type = PduType::HostToControllerTerminate,
                            .flags = 0,
                            .header_length = sizeof(terminate),
                            .data_offset = 0,
                            .length = static_cast<std::uint32_t>(sizeof(terminate) + quoted)};
        terminate.status = reason;
        std::array<iovec, 2> parts{{{&terminate, sizeof(terminate)}, {const_cast<std::byte*>(pdu.data()), quoted}}};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(Error{ErrorCode::Protocol, fmt::format("{}: the controller sent {}", setup_.name, what), {}});
    return false;
}

void Queue::updateInterest() {
    if (state_ == State::Closed) return;
    const std::uint32_t wanted = EPOLLIN | (outbox_.empty() ? 0U : EPOLLOUT);
    if (wanted == interest_) return;
    interest_ = wanted;
    loop_.modify(socket_.get(), wanted);
}

void Queue::tick(std::uint32_t limit) {
    ++ticks_;
    if (state_ != State::Open || in_flight_ == 0) return;
    for (const Command& command : commands_) {
        if (!command.busy || command.patient || ticks_ - command.issued <= limit) continue;
        close(Error{ErrorCode::TimedOut, fmt::format("{}: a command had no answer in time", setup_.name), {}});
        return;
    }
}

bool Queue::lendsPages() const {
    return std::ranges::any_of(commands_, [](const Command& command) {
        const bool is_sent = command.way == DataWay::OnRequest || command.way == DataWay::InCapsule;
        return command.busy && is_sent && command.length >= io::PageSender::kLeast;
    });
}

bool Queue::hasLimitedCommands() const {
    return in_flight_ > 0 &&
           std::ranges::any_of(commands_, [](const Command& command) { return command.busy && !command.patient; });
}

void Queue::close(const Error& error) {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    loop_.remove(socket_.get());
    // Memory that its owner may change from now on is not sent any more.
    if (lendsPages()) io::resetOnClose(socket_);
    socket_.reset();
    outbox_.clear();
    owner_.onClosed(*this, error);
}

}  // namespace mc::nvme::host
