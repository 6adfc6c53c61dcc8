// DH-HMAC-CHAP: a peer that says anything, in any order, is never a crash, and never who it claims to be: it does not
// know the keys. The input is a series of steps: one byte for what happens, two for how much of the input is the
// message, then that.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "nvme/auth/controller_authentication.h"
#include "nvme/auth/host_authentication.h"

namespace {

using namespace mc::nvme;

constexpr const char* kKey = "DHHC-1:01:faZQWLZSWmSoTHoJ5x9g7djTor0oUFkzdGBjKMNXkPWT6/Bn:";
constexpr const char* kHostNqn = "nqn.2014-08.org.nvmexpress:uuid:6a0b1f9e-0d5c-4a29-9c3e-3b5d1c1f0a01";
constexpr const char* kSubsystemNqn = "nqn.2024-01.io.test:auth";

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// Small groups only: the arithmetic is the library's.
AuthenticationPolicy policy() {
    return {.groups = {auth::DhGroup::Null, auth::DhGroup::Ffdhe2048}};
}

ControllerAuthentication newController() {
    const auto key = *AuthenticationKey::parse(kKey);
    return ControllerAuthentication({kHostNqn, kSubsystemNqn, key, key, policy()});
}

HostAuthentication newHost(bool bidirectional) {
    const auto key = *AuthenticationKey::parse(kKey);
    auto theirs = bidirectional ? std::optional(key) : std::nullopt;
    return HostAuthentication({kHostNqn, kSubsystemNqn, key, theirs, 1, policy()});
}

void check(const std::vector<std::byte>& message) {
    require(message.size() <= auth::kMaxMessageLength, "a message longer than any");
}

struct Machines {
    ControllerAuthentication controller = newController();
    HostAuthentication host = newHost(false);
    HostAuthentication doubting_host = newHost(true);
    bool host_was_heard = false;
    bool controller_was_heard = false;

    void step(std::uint8_t what, std::span<const std::byte> message) {
        switch (what % 7) {
            case 0:
                controller.receive(message);
                break;
            case 1:
                check(controller.next());
                break;
            case 2:
                host.receive(message);
                doubting_host.receive(message);
                break;
            case 3:
                check(host.next());
                check(doubting_host.next());
                break;
            case 4:
                host_was_heard = true;
                controller.receive(doubting_host.next());
                break;
            case 5:
                controller_was_heard = true;
                doubting_host.receive(controller.next());
                break;
            default:
                parse(message);
        }
        require(!controller.done() || host_was_heard, "believed a host without the key");
        require(!doubting_host.done() || controller_was_heard, "believed a controller without the key");
        require(controller.failed() == !controller.reason().empty(), "a failure without a reason");
        require(host.failed() == !host.reason().empty(), "a failure without a reason");
    }

    static void parse(std::span<const std::byte> message) {
        const auto negotiation = auth::parseNegotiate(message);
        require(!negotiation || negotiation->hashes.size() <= 30, "more hashes than fit");
        const auto challenge = auth::parseChallenge(message);
        require(!challenge || challenge->challenge.size() + challenge->dh_value.size() <= message.size(), "outside");
        const auto reply = auth::parseReply(message);
        require(!reply || reply->response.size() == reply->challenge.size(), "unlike lengths");
        const auto success = auth::parseSuccess1(message);
        require(!success || success->response.size() <= message.size(), "outside");
        const std::string_view text(reinterpret_cast<const char*>(message.data()), message.size());
        const auto key = AuthenticationKey::parse(text);
        require(!key || key->text().starts_with(text), "a key that says something else");
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = std::as_bytes(std::span(data, size));
    Machines machines;
    while (rest.size() >= 3) {
        const auto what = std::to_integer<std::uint8_t>(rest[0]);
        const std::size_t wanted = std::to_integer<std::size_t>(rest[1]) | std::to_integer<std::size_t>(rest[2]) << 8U;
        rest = rest.subspan(3);
        const auto message = rest.first(std::min(wanted, rest.size()));
        rest = rest.subspan(message.size());
        // Its own memory, so that a sanitizer sees who reads beyond it.
        machines.step(what, std::vector<std::byte>(message.begin(), message.end()));
    }
    return 0;
}
