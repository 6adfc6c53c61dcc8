#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/fd.h"
#include "io/socket.h"
#include "nvme/wire/fabrics.h"
#include "nvme/wire/pdu.h"

namespace mc::nvme::test {

using Bytes = std::vector<std::byte>;

template <typename T>
Bytes bytesOf(const T& value) {
    Bytes bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    return bytes;
}
template <typename T>
T read(std::span<const std::byte> bytes, std::size_t offset = 0) {
    T value;
    std::memset(static_cast<void*>(&value), 0, sizeof(value));
    if (bytes.size() >= offset + sizeof(value)) std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

/// A PDU as it came: header without digest, and data.
struct Pdu {
    PduHeader header;
    Bytes head;
    Bytes data;

    PduType type() const { return header.type; }
    template <typename T>
    T as() const {
        return read<T>(head);
    }
};

/// How a command ended.
struct Answer {
    CompletionEntry completion;
    Bytes data;
    bool by_data_alone = false;  ///< Without a completion: its data said success.
    int data_pdus = 0;

    int status() const { return completion.status >> 1U; }  ///< NVME_SC_*, type and "do not retry" included.
    int code() const { return completion.statusCode(); }
};

struct HostDigests {
    bool header = false;
    bool data = false;
};

/// A host's side of one connection, blocking and with time limits: speaks PDUs, right ones and wrong ones.
class TestHost {
  public:
    explicit TestHost(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{10, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        const auto address = io::resolve("127.0.0.1", port)->front();
        EXPECT_EQ(::connect(socket_.get(), address.get(), address.length()), 0);
        io::setNoDelay(socket_);
    }

    void sendBytes(std::span<const std::byte> bytes) {
        ASSERT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }
    /// Up to `length` bytes: fewer if the stream ends.
    Bytes receiveBytes(std::size_t length) {
        Bytes bytes(length);
        std::size_t have = 0;
        while (have < length) {
            const ssize_t got = ::recv(socket_.get(), bytes.data() + have, length - have, 0);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        bytes.resize(have);
        return bytes;
    }
    bool atEnd() {
        std::byte byte;
        return ::recv(socket_.get(), &byte, 1, 0) <= 0;
    }
    const FileDescriptor& descriptor() const { return socket_; }
    void shutDown() { ::shutdown(socket_.get(), SHUT_WR); }
    void close() { socket_.reset(); }

    /// The next PDU, its digests checked; nothing at the stream's end.
    std::optional<Pdu> receive() {
        const Bytes start = receiveBytes(sizeof(PduHeader));
        if (start.size() < sizeof(PduHeader)) return std::nullopt;
        Pdu pdu{.header = read<PduHeader>(start)};
        EXPECT_GE(pdu.header.length, pdu.header.header_length);
        if (pdu.header.length > (64U << 20U)) return std::nullopt;
        Bytes rest = receiveBytes(pdu.header.length - sizeof(PduHeader));
        rest.insert(rest.begin(), start.begin(), start.end());
        if (rest.size() < pdu.header.length) return std::nullopt;
        pdu.head.assign(rest.begin(), rest.begin() + pdu.header.header_length);
        const bool header_digest = (pdu.header.flags & pdu_flag::kHeaderDigest) != 0;
        const bool data_digest = (pdu.header.flags & pdu_flag::kDataDigest) != 0;
        if (pdu.type() != PduType::InitializeConnectionResponse && pdu.type() != PduType::ControllerToHostTerminate) {
            EXPECT_EQ(header_digest, digests_.header);
        }
        if (header_digest) {
            EXPECT_EQ(read<std::uint32_t>(rest, pdu.head.size()), crc32c(pdu.head));
        }
        const std::size_t data_begin =
            pdu.header.data_offset != 0 ? pdu.header.data_offset : pdu.head.size() + (header_digest ? 4 : 0);
        const std::size_t data_end = rest.size() - (data_digest ? kDigestLength : 0);
        if (data_begin < data_end) {
            pdu.data.assign(rest.begin() + static_cast<std::ptrdiff_t>(data_begin),
                            rest.begin() + static_cast<std::ptrdiff_t>(data_end));
            if (pdu.type() == PduType::ControllerToHostData) {
                EXPECT_EQ(data_digest, digests_.data);
                EXPECT_EQ(pdu.header.data_offset % data_alignment_, 0U);
            }
        }
        if (data_digest) {
            EXPECT_EQ(read<std::uint32_t>(rest, data_end), crc32c(pdu.data));
        }
        return pdu;
    }

    /// What of a connection's beginning is agreed on. `data_alignment`: HPDA, dwords less one.
    InitializeConnection initialize(HostDigests digests = {}, std::uint8_t data_alignment = 0,
                                    std::uint32_t max_r2t = 0) {
        sendBytes(bytesOf(InitializeConnection{
            .header = {.type = PduType::InitializeConnectionRequest,
                       .header_length = sizeof(InitializeConnection),
                       .length = sizeof(InitializeConnection)},
            .data_alignment = data_alignment,
            .digests = static_cast<std::uint8_t>((digests.header ? 1U : 0U) | (digests.data ? 2U : 0U)),
            .limit = max_r2t}));
        const auto pdu = receive();
        if (!pdu || pdu->type() != PduType::InitializeConnectionResponse) {
            ADD_FAILURE() << "no answer to the first PDU";
            return {};
        }
        digests_ = digests;
        data_alignment_ = (data_alignment + 1U) * 4;
        return pdu->as<InitializeConnection>();
    }

    /// One PDU of a header and data, with the digests that were agreed on.
    Bytes makePdu(Bytes header, std::span<const std::byte> data) const {
        auto start = read<PduHeader>(header);
        start.header_length = static_cast<std::uint8_t>(header.size());
        start.length = static_cast<std::uint32_t>(header.size()) + (digests_.header ? 4U : 0U);
        if (digests_.header) start.flags |= pdu_flag::kHeaderDigest;
        if (!data.empty()) {
            start.data_offset = static_cast<std::uint8_t>(start.length);
            start.length += static_cast<std::uint32_t>(data.size()) + (digests_.data ? 4U : 0U);
            if (digests_.data) start.flags |= pdu_flag::kDataDigest;
        }
        std::memcpy(header.data(), &start, sizeof(start));
        Bytes pdu = header;
        const auto append = [&pdu](std::span<const std::byte> bytes) {
            pdu.insert(pdu.end(), bytes.begin(), bytes.end());
        };
        if (digests_.header) append(bytesOf(crc32c(header)));
        append(data);
        if (digests_.data && !data.empty()) append(bytesOf(crc32c(data)));
        return pdu;
    }

    /// The capsule of a command, whose data, if there are any, come with it.
    Bytes makeCapsule(SubmissionEntry entry, std::span<const std::byte> data = {}) const {
        if (!data.empty()) {
            entry.data = {.length = static_cast<std::uint32_t>(data.size()), .type = SglDescriptor::kInCapsule};
        }
        return makePdu(bytesOf(CapsuleCommand{.header = {.type = PduType::CapsuleCommand}, .command = entry}), data);
    }
    void send(const SubmissionEntry& entry, std::span<const std::byte> data = {}) {
        sendBytes(makeCapsule(entry, data));
    }

    Bytes makeData(const ReadyToTransfer& wanted, std::span<const std::byte> data, std::uint32_t offset,
                   bool last) const {
        return makePdu(bytesOf(DataPdu{.header = {.type = PduType::HostToControllerData,
                                                  .flags = last ? pdu_flag::kLastPdu : std::uint8_t{0}},
                                       .command_id = wanted.command_id,
                                       .transfer_tag = wanted.transfer_tag,
                                       .data_offset = offset,
                                       .data_length = static_cast<std::uint32_t>(data.size())}),
                       data);
    }
    /// Answers an R2T with what it wants of `data`, in PDUs of at most `piece` bytes.
    void sendData(const ReadyToTransfer& wanted, std::span<const std::byte> data, std::size_t piece) {
        const std::size_t end = wanted.data_offset + wanted.data_length;
        for (std::size_t at = wanted.data_offset; at < end; at += piece) {
            const std::size_t length = std::min(piece, end - at);
            sendBytes(makeData(wanted, data.subspan(at, length), static_cast<std::uint32_t>(at), at + length == end));
        }
    }

    /// Waits for a command's end, and collects its data. Answers R2Ts with `data`.
    Answer await(std::uint16_t command_id, std::span<const std::byte> data = {}, std::size_t piece = 1 << 20) {
        Answer answer;
        for (;;) {
            const auto pdu = receive();
            if (!pdu) {
                ADD_FAILURE() << "the connection has ended before the command";
                answer.completion.status = 0xffff;
                return answer;
            }
            if (pdu->type() == PduType::ReadyToTransfer) {
                sendData(pdu->as<ReadyToTransfer>(), data, piece);
            } else if (pdu->type() == PduType::ControllerToHostData) {
                ++answer.data_pdus;
                const auto head = pdu->as<DataPdu>();
                EXPECT_EQ(head.command_id, command_id);
                EXPECT_EQ(head.data_length, pdu->data.size());
                answer.data.resize(std::max<std::size_t>(answer.data.size(), head.data_offset + pdu->data.size()));
                std::ranges::copy(pdu->data, answer.data.begin() + head.data_offset);
                if ((pdu->header.flags & pdu_flag::kSuccess) != 0) {
                    answer.by_data_alone = true;
                    return answer;
                }
            } else if (pdu->type() == PduType::CapsuleResponse) {
                answer.completion = pdu->as<CapsuleResponse>().completion;
                EXPECT_EQ(answer.completion.command_id, command_id);
                return answer;
            } else {
                ADD_FAILURE() << "PDU of type " << static_cast<int>(pdu->type());
                answer.completion.status = 0xffff;
                return answer;
            }
        }
    }

    /// A command with `in` bytes of data for the host.
    Answer run(SubmissionEntry entry, std::uint32_t in = 0) {
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = next_command_++;
        entry.data = {.length = in, .type = SglDescriptor::kTransport};
        send(entry);
        return await(entry.command_id);
    }
    /// One with data for the controller, in its capsule.
    Answer runInCapsule(SubmissionEntry entry, std::span<const std::byte> data) {
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = next_command_++;
        send(entry, data);
        return await(entry.command_id);
    }
    /// One whose data the controller has to ask for.
    Answer runAsked(SubmissionEntry entry, std::span<const std::byte> data, std::size_t piece = 1 << 20) {
        entry.flags = SubmissionEntry::kUsesSgl;
        entry.command_id = next_command_++;
        entry.data = {.length = static_cast<std::uint32_t>(data.size()), .type = SglDescriptor::kTransport};
        send(entry);
        return await(entry.command_id, data, piece);
    }

    struct ConnectOptions {
        std::string subsystem_nqn;
        std::string host_nqn = "nqn.2024-01.test:host";
        std::uint16_t controller_id = kAnyController;
        std::uint16_t queue_id = 0;
        std::uint16_t queue_size = 31;
        std::uint8_t attributes = 0;
        std::uint16_t record_format = 0;
        std::uint32_t keep_alive = 0;
        std::uint8_t host_id = 1;  ///< Its first byte.
    };
    Answer connect(const ConnectOptions& options) {
        ConnectData data{.controller_id = options.controller_id};
        data.host_id[0] = options.host_id;
        std::memcpy(data.subsystem_nqn, options.subsystem_nqn.data(), options.subsystem_nqn.size());
        std::memcpy(data.host_nqn, options.host_nqn.data(), options.host_nqn.size());
        const ConnectCommand command{.record_format = options.record_format,
                                     .queue_id = options.queue_id,
                                     .queue_size = options.queue_size,
                                     .attributes = options.attributes,
                                     .keep_alive_timeout = options.keep_alive};
        return runInCapsule(std::bit_cast<SubmissionEntry>(command), bytesOf(data));
    }
    Answer getProperty(std::uint32_t offset, bool eight_bytes = false) {
        return run(std::bit_cast<SubmissionEntry>(
            PropertyCommand{.type = FabricsType::PropertyGet,
                            .attributes = eight_bytes ? std::uint8_t{1} : std::uint8_t{0},
                            .offset = offset}));
    }
    Answer setProperty(std::uint32_t offset, std::uint32_t value) {
        return run(std::bit_cast<SubmissionEntry>(
            PropertyCommand{.type = FabricsType::PropertySet, .offset = offset, .value_low = value}));
    }
    /// CC.EN, as hosts set it.
    void enable() { EXPECT_EQ(setProperty(0x14, kEnabled).status(), 0); }
    std::uint16_t nextCommandId() { return next_command_++; }

    static constexpr std::uint32_t kEnabled = 0x00460001;

  private:
    FileDescriptor socket_;
    HostDigests digests_;
    std::uint32_t data_alignment_ = 4;
    std::uint16_t next_command_ = 1;
};

}  // namespace mc::nvme::test
