// A handshake connection's bytes from anywhere: never a crash, the same frame however the bytes are split, and what was
// understood survives being written and read again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "metadata/handshake_frame.h"
#include "metadata/handshake_messages.h"
#include "metadata/rpc_meta.h"

namespace {

using namespace mc::metadata;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

std::optional<Frame> decode(std::string_view bytes, std::size_t step) {
    FrameDecoder decoder(kDefaultMaxMessageLength);
    while (!bytes.empty() && !decoder.complete()) {
        const auto taken = decoder.feed(bytes.substr(0, step));
        if (!taken) return std::nullopt;
        bytes.remove_prefix(*taken);
    }
    if (!decoder.complete()) return std::nullopt;
    return decoder.take();
}

template <typename Message>
void expectRoundTrip(std::string_view json, mc::Result<Message> (*read)(std::string_view),
                     std::string (*write)(const Message&)) {
    const auto first = read(json);
    if (!first) return;
    const auto second = read(write(*first));
    require(second && *second == *first, "a message does not survive");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto frame = decode(bytes, std::max<std::size_t>(size, 1));
    const auto split = decode(bytes, 1);
    require(frame.has_value() == split.has_value(), "a split frame is read differently");
    if (!frame) return 0;
    require(frame->json == split->json && frame->type == split->type, "a split frame is read differently");
    const auto again = decode(encodeFrame(*frame), 7);
    require(again && again->type == frame->type && again->json.starts_with(frame->json), "a frame does not survive");
    expectRoundTrip(frame->json, decodeConnectionMessage, encodeConnectionMessage);
    expectRoundTrip(frame->json, decodeNotifyMessage, encodeNotifyMessage);
    expectRoundTrip(frame->json, decodeRpcMeta, encodeRpcMeta);
    return 0;
}
