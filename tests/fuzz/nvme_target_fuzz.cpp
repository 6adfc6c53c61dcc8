// A host that sends anything to the NVMe/TCP target: from its first PDU on, or after it has become an admin queue, an
// I/O queue, or a discovery controller's.
#include <nvme/types.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/event_loop.h"
#include "nvme/target/registry.h"
#include "nvme/target/worker.h"
#include "nvme/wire/pdu.h"

namespace {

using namespace mc::nvme;

constexpr const char* kStore = "nqn.2024-01.test:store";

/// Memory of the heap, where a sanitizer watches its ends.
class HeapDevice final : public mc::io::BlockDevice {
  public:
    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return bytes_.size(); }
    std::uint32_t blockSize() const override { return 512; }
    std::span<std::byte> memory() const override { return bytes_; }
    std::optional<int> tryNow(mc::io::BlockRequest& request) override { return carryOut(request); }
    int carryOut(mc::io::BlockRequest& request) override {
        const auto range = std::span(bytes_).subspan(request.offset, request.length);
        switch (request.kind) {
            case mc::io::BlockRequest::Kind::Read:
                std::memcpy(request.data, range.data(), range.size());
                break;
            case mc::io::BlockRequest::Kind::Write:
                std::memcpy(range.data(), request.data, range.size());
                break;
            default:
                std::memset(range.data(), 0, range.size());
                break;
        }
        return 0;
    }

  private:
    std::string name_ = "heap";
    mutable std::vector<std::byte> bytes_ = std::vector<std::byte>(64 << 10);
};

/// A target in one loop, without its threads.
struct Service {
    Service() {
        registry.onControllerLost([this](std::shared_ptr<Controller> lost) {
            loop->post([this, lost] {
                worker->closeIf([&](const Connection& connection) { return connection.controller() == lost; });
            });
        });
        auto subsystem = std::make_shared<Subsystem>(SubsystemOptions{.nqn = kStore});
        for (const std::uint32_t nsid : {1U, 2U}) {
            auto added = std::make_shared<Namespace>(
                NamespaceOptions{.nsid = nsid, .device = std::make_shared<HeapDevice>()}, 1);
            subsystem->setNamespaces(subsystem->namespaces()->with(std::move(added)));
        }
        if (!registry.add(std::move(subsystem)) || !worker->open()) std::abort();
    }

    TargetOptions options{.in_capsule_bytes = 1024, .max_transfer_bytes = 16384};
    std::unique_ptr<mc::io::EventLoop> loop = std::move(*mc::io::EventLoop::open());
    Registry registry{options, 1};
    std::unique_ptr<Worker> worker = std::make_unique<Worker>(*loop, 0, registry, options);
};

/// The other end of a connection.
class Peer {
  public:
    explicit Peer(Service& target) : target_(target) {
        std::array<int, 2> pair{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) != 0) std::abort();
        socket_.reset(pair[0]);
        target.worker->serve(mc::FileDescriptor(pair[1]), false);
    }
    void send(const void* data, std::size_t length) {
        ::send(socket_.get(), data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        target_.loop->runOnce(mc::SteadyClock::now());
    }
    /// What has been answered; the last of it.
    std::vector<std::byte> receive() {
        std::vector<std::byte> bytes(16384);
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return bytes;
    }
    void discard() {
        while (!receive().empty()) {
        }
    }
    void end() { socket_.reset(); }

    void initialize(std::uint8_t digests) {
        const InitializeConnection pdu{.header = {.type = PduType::InitializeConnectionRequest,
                                                  .header_length = sizeof(pdu),
                                                  .length = sizeof(pdu)},
                                       .digests = digests};
        send(&pdu, sizeof(pdu));
        discard();
    }
    /// The controller's number.
    std::uint16_t connect(const char* nqn, std::uint16_t queue, std::uint16_t controller) {
        struct {
            PduHeader header{.type = PduType::CapsuleCommand,
                             .header_length = sizeof(CapsuleCommand),
                             .data_offset = sizeof(CapsuleCommand),
                             .length = sizeof(CapsuleCommand) + sizeof(ConnectData)};
            ConnectCommand command{.data = {.length = sizeof(ConnectData), .type = SglDescriptor::kInCapsule},
                                   .queue_size = 31};
            ConnectData data;
        } pdu;
        pdu.command.queue_id = queue;
        pdu.data.controller_id = controller;
        std::strcpy(pdu.data.subsystem_nqn, nqn);
        std::strcpy(pdu.data.host_nqn, "nqn.2024-01.test:host");
        send(&pdu, sizeof(pdu));
        const auto answer = receive();
        if (answer.size() != sizeof(CapsuleResponse)) std::abort();
        CapsuleResponse response;
        std::memcpy(&response, answer.data(), sizeof(response));
        if (response.completion.status != 0) std::abort();
        return static_cast<std::uint16_t>(response.completion.result);
    }
    void enable() {
        const struct {
            PduHeader header{.type = PduType::CapsuleCommand,
                             .header_length = sizeof(CapsuleCommand),
                             .length = sizeof(CapsuleCommand)};
            PropertyCommand command{.type = FabricsType::PropertySet, .offset = NVME_REG_CC, .value_low = 0x00460001};
        } pdu;
        send(&pdu, sizeof(pdu));
        discard();
    }

  private:
    Service& target_;
    mc::FileDescriptor socket_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Service target;
    if (size < 2) return 0;
    // The first byte says how far the connection is, the second cuts the rest into pieces.
    Peer admin(target);
    Peer queue(target);
    Peer* peer = &queue;
    switch (data[0] % 8) {
        case 0:
            break;
        case 1:
        case 2:
        case 3:
            queue.initialize(data[0] % 8);
            break;
        case 4:
            queue.initialize(0);
            queue.connect(kDiscoveryNqn, 0, kAnyController);
            break;
        default: {
            admin.initialize(0);
            const auto controller = admin.connect(kStore, 0, kAnyController);
            admin.enable();
            queue.initialize(0);
            queue.connect(kStore, 1, controller);
            if (data[0] % 8 == 5) peer = &admin;
            break;
        }
    }
    const std::size_t piece = data[1] != 0 ? data[1] * 4U : 4096;
    for (std::size_t at = 2; at < size; at += piece) {
        peer->send(data + at, std::min(piece, size - at));
        peer->discard();
    }
    admin.end();
    queue.end();
    // A connection that never ends is a defect.
    for (int rounds = 0; target.worker->counters.connections.load() > 0; ++rounds) {
        if (rounds > 100'000) std::abort();
        target.loop->runOnce(mc::SteadyClock::now());
    }
    if (!target.registry.controllers().empty()) std::abort();
    return 0;
}
