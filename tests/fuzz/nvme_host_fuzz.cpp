// A controller that says anything to a host: from the first byte on, or after it has behaved until the host is ready.
#include <nvme/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "io/event_loop.h"
#include "nvme/host/controller.h"
#include "nvme/wire/fabrics.h"
#include "nvme/wire/pdu.h"

namespace {

using mc::nvme::CapsuleCommand;
using mc::nvme::HostController;
using mc::nvme::HostRequest;
using mc::nvme::PduHeader;
using mc::nvme::PduType;

struct Listener {
    Listener() : socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un any{};
        any.sun_family = AF_UNIX;  // Without a name: the kernel picks an abstract one.
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t));
        ::listen(socket.get(), 8);
        sockaddr_un bound{};
        socklen_t length = sizeof(bound);
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &length);
        address = {reinterpret_cast<const sockaddr*>(&bound), length};
    }
    mc::FileDescriptor socket;
    mc::io::SocketAddress address;
};

class Owner final : public HostController::Owner {
  public:
    void onState(HostController::State now, const mc::Error* /*cause*/) override { state = now; }
    void onNamespaces() override {}
    void onReplaced(const mc::Error& /*error*/) override {}
    HostController::State state = HostController::State::Connecting;
};

/// The controller's end of one connection.
class Connection {
  public:
    explicit Connection(mc::FileDescriptor socket) : socket_(std::move(socket)) {}

    void send(std::span<const std::byte> bytes) {
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    template <typename Pdu>
    void sendPdu(const Pdu& pdu, std::span<const std::byte> data = {}) {
        send(std::as_bytes(std::span(&pdu, 1)));
        send(data);
    }
    /// Answers what has come as a controller should. False: nothing has come.
    bool behave() {
        std::array<std::byte, 65536> bytes;
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got <= 0) return false;
        for (std::size_t at = 0; at + sizeof(CapsuleCommand) <= static_cast<std::size_t>(got);) {
            CapsuleCommand capsule;
            std::memcpy(&capsule, bytes.data() + at, sizeof(capsule));
            at += capsule.header.length;
            answer(capsule);
        }
        return true;
    }
    void drain() {
        std::array<std::byte, 65536> bytes;
        while (::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
        }
    }
    void shutDown() { ::shutdown(socket_.get(), SHUT_RDWR); }

  private:
    void answer(const CapsuleCommand& capsule) {
        if (capsule.header.type == PduType::InitializeConnectionRequest) {
            mc::nvme::InitializeConnection pdu{};
            pdu.header = {PduType::InitializeConnectionResponse, 0, sizeof(pdu), 0, sizeof(pdu)};
            pdu.limit = 4096;
            return sendPdu(pdu);
        }
        const mc::nvme::SubmissionEntry& command = capsule.command;
        if (command.opcode == nvme_admin_async_event) return;
        if (command.opcode == nvme_admin_identify) return identify(command);
        std::uint32_t result = 1;
        if (command.opcode == mc::nvme::kFabricsOpcode) {
            const auto property = std::bit_cast<mc::nvme::PropertyCommand>(command);
            const bool capabilities =
                property.type == mc::nvme::FabricsType::PropertyGet && property.offset == NVME_REG_CAP;
            if (capabilities) result = 15;
        }
        mc::nvme::CapsuleResponse response{};
        response.header = {PduType::CapsuleResponse, 0, sizeof(response), 0, sizeof(response)};
        response.completion.result = command.opcode == nvme_admin_set_features ? 0 : result;
        response.completion.command_id = command.command_id;
        sendPdu(response);
    }
    void identify(const mc::nvme::SubmissionEntry& command) {
        std::array<std::byte, 4096> page{};
        if (command.cdw10 == NVME_IDENTIFY_CNS_CTRL) {
            auto& controller = *reinterpret_cast<nvme_id_ctrl*>(page.data());
            controller.mdts = 1;
            controller.oaes = 1U << 8;
            controller.ioccsz = 4 + (512 / 16);
        } else if (command.cdw10 == NVME_IDENTIFY_CNS_NS_ACTIVE_LIST) {
            page[0] = std::byte{1};
        } else if (command.cdw10 == NVME_IDENTIFY_CNS_NS) {
            auto& space = *reinterpret_cast<nvme_id_ns*>(page.data());
            space.nsze = 2048;
            space.lbaf[0].ds = 9;
        }
        mc::nvme::DataPdu pdu{};
        pdu.header = {PduType::ControllerToHostData, mc::nvme::pdu_flag::kLastPdu | mc::nvme::pdu_flag::kSuccess,
                      sizeof(pdu), sizeof(pdu), sizeof(pdu) + page.size()};
        pdu.command_id = command.command_id;
        pdu.data_length = page.size();
        sendPdu(pdu, page);
    }
    mc::FileDescriptor socket_;
};

struct Request : HostRequest {
    std::vector<std::byte> memory;
    int ends = 0;
};

/// A host on its way to the listener, and whoever it has connected to.
struct Meeting {
    Meeting(const Listener& listener, const mc::nvme::HostOptions& options)
        : peer(listener), loop(std::move(*mc::io::EventLoop::open())) {
        controller = HostController::start(*loop, owner, {listener.address}, "nqn.fuzz", options);
    }
    void turn() {
        loop->runOnce(mc::SteadyClock::time_point{});
        mc::FileDescriptor socket(::accept4(peer.socket.get(), nullptr, nullptr, SOCK_NONBLOCK));
        if (socket) connections.push_back(std::make_unique<Connection>(std::move(socket)));
    }
    const Listener& peer;
    std::unique_ptr<mc::io::EventLoop> loop;
    Owner owner;
    std::vector<std::unique_ptr<Connection>> connections;
    std::unique_ptr<HostController> controller;
};

bool becomeReady(Meeting& meeting) {
    for (int rounds = 0; rounds < 200 && meeting.owner.state == HostController::State::Connecting; ++rounds) {
        meeting.turn();
        for (const auto& connection : meeting.connections) {
            connection->behave();
        }
    }
    return meeting.owner.state == HostController::State::Ready && meeting.connections.size() == 2;
}

void submitAll(Meeting& meeting, std::span<Request> requests, unsigned kinds) {
    static constexpr std::array<std::pair<std::uint64_t, std::size_t>, 4> kRanges{
        {{0, 512}, {1024, 4096}, {8192, 12288}, {100, 700}}};
    for (std::size_t i = 0; i < requests.size(); ++i) {
        Request& request = requests[i];
        request.kind = (kinds >> i & 1U) != 0 ? HostRequest::Kind::Write : HostRequest::Kind::Read;
        request.nsid = 1;
        request.memory.resize(kRanges[i].second);
        request.offset = kRanges[i].first;
        request.length = request.memory.size();
        request.data = request.memory.data();
        request.done = [](HostRequest& ended) { ++static_cast<Request&>(ended).ends; };
        meeting.controller->submit(request);
    }
    meeting.controller->flush();
}

// A byte that tells which connection, then a PDU as long as it says itself to be.
void feed(Meeting& meeting, std::span<const std::byte> bytes) {
    while (bytes.size() > sizeof(PduHeader) && meeting.owner.state != HostController::State::Gone) {
        const auto which = std::to_integer<std::size_t>(bytes[0]);
        PduHeader header;
        std::memcpy(&header, bytes.data() + 1, sizeof(header));
        const std::size_t length = std::clamp<std::size_t>(header.length, sizeof(header), bytes.size() - 1);
        if (!meeting.connections.empty()) {
            meeting.connections[which % meeting.connections.size()]->send(bytes.subspan(1, length));
        }
        bytes = bytes.subspan(1 + length);
        meeting.turn();
        for (const auto& connection : meeting.connections) {
            connection->drain();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Listener listener;
    static const mc::nvme::HostOptions options = [] {
        mc::nvme::HostOptions made;
        made.host_nqn = "nqn.fuzz.host";
        made.congestion = "system";
        made.queue_entries = 8;
        made.keep_alive = std::chrono::milliseconds(0);
        made.loss_timeout = std::chrono::milliseconds(0);
        return made;
    }();
    if (size < 1) return 0;
    const bool behaves_first = (data[0] & 0x80U) == 0;
    Meeting meeting(listener, options);
    std::array<Request, 4> requests;
    if (behaves_first && !becomeReady(meeting)) std::abort();
    for (int i = 0; i < 3; ++i) {
        meeting.turn();
    }
    submitAll(meeting, requests, data[0]);
    feed(meeting, std::as_bytes(std::span(data + 1, size - 1)));
    for (int rounds = 0; meeting.owner.state != HostController::State::Gone; ++rounds) {
        if (rounds > 1000) std::abort();
        for (const auto& connection : meeting.connections) {
            connection->shutDown();
        }
        meeting.turn();
    }
    meeting.controller->flush();
    // Every request comes back exactly once, whatever the controller does.
    for (const Request& request : requests) {
        if (request.ends != 1) std::abort();
    }
    return 0;
}
