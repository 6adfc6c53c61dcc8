#pragma once

#include <gtest/gtest.h>
#include <nvme/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "base/crc32c.h"
#include "base/fd.h"
#include "io/socket.h"
#include "nvme/wire/fabrics.h"
#include "nvme/wire/pdu.h"

namespace mc::nvme::host::test {

/// A blocking connection that speaks PDUs. Without digests, unless told.
class PduSocket {
  public:
    explicit PduSocket(FileDescriptor socket) : socket_(std::move(socket)) {
        const timeval limit{10, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    }

    /// A whole PDU, or nothing at the end of the stream.
    std::optional<std::vector<std::byte>> receive() {
        PduHeader header;
        if (!receiveInto(&header, sizeof(header)) || header.length < sizeof(header) || header.length > 4U << 20)
            return {};
        std::vector<std::byte> pdu(header.length);
        std::memcpy(pdu.data(), &header, sizeof(header));
        if (!receiveInto(pdu.data() + sizeof(header), pdu.size() - sizeof(header))) return {};
        return pdu;
    }
    /// Skips other PDUs.
    std::optional<SubmissionEntry> receiveCommand() {
        while (auto pdu = receive()) {
            if (static_cast<PduType>((*pdu)[0]) != PduType::CapsuleCommand) continue;
            SubmissionEntry entry;
            std::memcpy(&entry, pdu->data() + sizeof(PduHeader), sizeof(entry));
            return entry;
        }
        return {};
    }

    void send(std::span<const std::byte> bytes) { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    template <typename Pdu>
    void sendPdu(const Pdu& pdu, std::span<const std::byte> data = {}) {
        std::vector<std::byte> bytes(sizeof(pdu) + data.size());
        std::memcpy(bytes.data(), &pdu, sizeof(pdu));
        std::ranges::copy(data, bytes.begin() + sizeof(pdu));
        send(bytes);
    }
    void answer(std::uint16_t command_id, std::uint64_t result = 0, std::uint16_t status = 0) {
        CapsuleResponse response{};
        response.header = {PduType::CapsuleResponse, 0, sizeof(response), 0, sizeof(response)};
        response.completion.result = static_cast<std::uint32_t>(result);
        response.completion.result_high = static_cast<std::uint32_t>(result >> 32U);
        response.completion.command_id = command_id;
        response.completion.status = static_cast<std::uint16_t>(status << 1U);
        sendPdu(response);
    }
    static DataPdu dataPdu(std::uint16_t command_id, std::uint32_t offset, std::uint32_t length, std::uint8_t flags) {
        DataPdu pdu{};
        pdu.header = {PduType::ControllerToHostData, flags, sizeof(pdu), sizeof(pdu),
                      static_cast<std::uint32_t>(sizeof(pdu)) + length};
        pdu.command_id = command_id;
        pdu.data_offset = offset;
        pdu.data_length = length;
        return pdu;
    }
    void sendData(std::uint16_t command_id, std::uint32_t offset, std::span<const std::byte> data,
                  std::uint8_t flags = pdu_flag::kLastPdu | pdu_flag::kSuccess) {
        sendPdu(dataPdu(command_id, offset, static_cast<std::uint32_t>(data.size()), flags), data);
    }
    void askFor(std::uint16_t command_id, std::uint32_t offset, std::uint32_t length, std::uint16_t tag = 7) {
        ReadyToTransfer pdu{};
        pdu.header = {PduType::ReadyToTransfer, 0, sizeof(pdu), 0, sizeof(pdu)};
        pdu.command_id = command_id;
        pdu.transfer_tag = tag;
        pdu.data_offset = offset;
        pdu.data_length = length;
        sendPdu(pdu);
    }
    void end() { ::shutdown(socket_.get(), SHUT_RDWR); }
    /// How the stream ends, whatever comes before: ECONNRESET, or 0.
    int awaitEnd() {
        std::array<std::byte, 4096> part;
        for (;;) {
            const ssize_t got = ::recv(socket_.get(), part.data(), part.size(), 0);
            if (got <= 0) return got == 0 ? 0 : errno;
        }
    }
    /// So that what is on its way is lost, too.
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        socket_.reset();
    }
    void initialize(const InitializeConnection& response) {
        (void)receive();
        sendPdu(response);
    }
    static InitializeConnection response() {
        InitializeConnection pdu{};
        pdu.header = {PduType::InitializeConnectionResponse, 0, sizeof(pdu), 0, sizeof(pdu)};
        pdu.limit = 65536;
        return pdu;
    }

  private:
    bool receiveInto(void* to, std::size_t length) {
        std::size_t have = 0;
        while (have < length) {
            const ssize_t got = ::recv(socket_.get(), static_cast<std::byte*>(to) + have, length - have, 0);
            if (got <= 0) return false;
            have += static_cast<std::size_t>(got);
        }
        return true;
    }
    FileDescriptor socket_;
};

/// A controller with one namespace, number 1: 1 MiB in blocks of 512 bytes. Its admin queue behaves, until `admin` does
/// something else; what happens on the I/O queue after Connect, `script` says.
class ScriptedTarget {
  public:
    using Script = std::function<void(PduSocket&)>;
    /// True: it has answered.
    using Admin = std::function<bool(PduSocket&, const SubmissionEntry&)>;

    explicit ScriptedTarget(Script script, Admin admin = {}) : script_(std::move(script)), admin_(std::move(admin)) {
        FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = io::resolve("127.0.0.1", 0)->front();
        EXPECT_EQ(::bind(socket.get(), address.get(), address.length()), 0);
        EXPECT_EQ(::listen(socket.get(), 64), 0);
        listener_ = std::move(socket);
        thread_ = std::jthread([this](const std::stop_token& stop) { acceptAll(stop); });
    }
    ~ScriptedTarget() {
        thread_.request_stop();
        const FileDescriptor unblock = *io::connectTo({io::localAddress(listener_)}, std::chrono::seconds(5));
        thread_.join();
    }
    ScriptedTarget(const ScriptedTarget&) = delete;
    ScriptedTarget& operator=(const ScriptedTarget&) = delete;

    std::uint16_t port() const { return io::localAddress(listener_).port(); }

    InitializeConnection io_response = PduSocket::response();  ///< Of the I/O queue.
    std::atomic<std::uint32_t> connect_result = 1;             ///< The controller's number, and what it requires.
    std::atomic<int> io_connections = 0;

  private:
    void acceptAll(const std::stop_token& stop) {
        std::vector<std::jthread> connections;
        for (;;) {
            FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (stop.stop_requested() || !socket) return;
            connections.emplace_back([this, owned = std::make_shared<PduSocket>(std::move(socket))] { serve(*owned); });
        }
    }
    void serve(PduSocket& socket) {
        if (!socket.receive()) return;  // ICReq.
        // Which queue it is, Connect tells, which comes after the answer: I/O queues come after the admin queue.
        const bool first = connections_++ % 2 == 0;
        socket.sendPdu(first ? PduSocket::response() : io_response);
        const auto connect = socket.receiveCommand();
        if (!connect) return;
        socket.answer(connect->command_id, connect_result);
        if (first) {
            while (const auto command = socket.receiveCommand()) {
                if (!admin_ || !admin_(socket, *command)) answerAdmin(socket, *command);
            }
        } else {
            ++io_connections;
            script_(socket);
        }
    }
    static void answerAdmin(PduSocket& socket, const SubmissionEntry& command) {
        switch (command.opcode) {
            case kFabricsOpcode: {
                const auto property = std::bit_cast<PropertyCommand>(command);
                // CAP: 128 entries, a second of patience; CSTS: ready.
                socket.answer(command.command_id, property.offset == NVME_REG_CAP ? 127U | 2U << 24U : 1U);
                return;
            }
            case nvme_admin_identify:
                return identify(socket, command);
            case nvme_admin_async_event:
                return;
            default:
                socket.answer(command.command_id, 0);
        }
    }
    static void identify(PduSocket& socket, const SubmissionEntry& command) {
        std::array<std::byte, 4096> page{};
        if (command.cdw10 == NVME_IDENTIFY_CNS_CTRL) {
            auto& controller = *reinterpret_cast<nvme_id_ctrl*>(page.data());
            controller.mdts = 6;                // 256 KiB.
            controller.ioccsz = 4 + 1024 / 16;  // 1 KiB in the capsule.
        } else if (command.cdw10 == NVME_IDENTIFY_CNS_NS_ACTIVE_LIST) {
            page[0] = std::byte{1};
        } else if (command.cdw10 == NVME_IDENTIFY_CNS_NS) {
            auto& space = *reinterpret_cast<nvme_id_ns*>(page.data());
            space.nsze = (1 << 20) / 512;
            space.lbaf[0].ds = 9;
        }
        socket.sendData(command.command_id, 0, page);
    }

    Script script_;
    Admin admin_;
    FileDescriptor listener_;
    std::atomic<int> connections_ = 0;
    std::jthread thread_;
};

}  // namespace mc::nvme::host::test
