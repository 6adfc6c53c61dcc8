// What is said by who answers in etcd's place, from anywhere: never a crash, and what is taken for a listing has an
// end. The first byte tells what kind of reply the rest is.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "metadata/etcd_endpoints.h"
#include "metadata/etcd_refusal.h"
#include "metadata/etcd_replies.h"
#include "metadata/etcd_requests.h"

namespace {

using namespace mc::metadata;

constexpr std::string_view kPrefix = "mooncake/";
constexpr std::string_view kAfter = "mooncake/b";

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

bool isShowable(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; });
}

void found(std::string_view text) {
    const auto got = etcd::decodeGet(text, "k");
    require(got || got.error().code == mc::ErrorCode::Protocol, "a broken reply is an error of another kind");
    require(!got || !*got || etcd::isRevision((*got)->version), "a version that can't be asked for");
}

void listing(std::string_view text) {
    const auto range = etcd::decodeRange(text, kPrefix, kAfter);
    if (!range) {
        require(range.error().code == mc::ErrorCode::Protocol, "a broken listing is an error of another kind");
        return;
    }
    require(range->revision > 0, "no revision");
    const Page& page = range->page;
    require(std::ranges::is_sorted(page.items, std::less_equal<>(), &Item::key), "keys are out of order");
    for (const Item& item : page.items)
        require(item.key > kAfter && item.key.starts_with(kPrefix), "a key of another page");
    require(page.continuation.empty() || page.continuation > kAfter, "the listing never ends");
}

void change(std::string_view text) {
    const auto done = etcd::decodeChange(text, "put k");
    require(!done || etcd::isRevision(done->revision), "a version that can't be asked for");
}

void events(std::string_view text) {
    static_cast<void>(etcd::checkCreated(text, kPrefix));
    const auto changes = etcd::decodeEvents(text, kPrefix);
    if (!changes) {
        require(isShowable(changes.error().message), "a message with bytes of the server's");
        return;
    }
    for (const Event& event : *changes)
        require(event.item.key.starts_with(kPrefix), "a key that is not watched");
}

void token(std::string_view text) {
    const auto made = etcd::decodeToken(text);
    require(!made || (!made->empty() && isShowable(*made)), "a token that does not fit into a header");
}

void refusal(std::string_view text) {
    const HttpReply reply{.status = text.empty() ? 0 : static_cast<unsigned char>(text[0]) * 4L,
                          .extended = false,
                          .etag = {},
                          .location = {},
                          .body = std::string(text)};
    const auto error = etcd::refusalOf(reply).error;
    require(error.message.size() < 600, "a message without bounds");
    require(isShowable(error.message + error.hint), "a message with bytes of the server's");
}

void base64(std::string_view text) {
    const auto bytes = mc::base64Decoded(text);
    require(!bytes || mc::base64Encoded(*bytes) == text, "two texts for the same bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    static constexpr void (*kKinds[])(std::string_view) = {found, listing, change, events, token, refusal, base64};
    constexpr std::size_t kCount = std::size(kKinds);
    if (const std::size_t kind = data[0] % (kCount + 1); kind < kCount) {
        kKinds[kind](text);
    } else {
        static_cast<void>(parseEndpoints(text, false));
    }
    return 0;
}
