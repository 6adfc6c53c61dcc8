// What a metadata server says, from anywhere: never a crash, and what is taken for a listing has an end. The first byte
// tells what kind of reply the rest is.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "metadata/http_replies.h"
#include "metadata/http_url.h"

namespace {

using namespace mc::metadata;

constexpr std::string_view kPrefix = "mooncake/";
constexpr std::string_view kAfter = "mooncake/b";

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void listing(std::string_view text) {
    const auto page = decodeListing(text, kPrefix, kAfter);
    if (!page) {
        require(page.error().code == mc::ErrorCode::Protocol, "a broken listing is an error of another kind");
        return;
    }
    require(std::ranges::is_sorted(page->items, std::less_equal<>(), &Item::key), "keys are out of order");
    for (const Item& item : page->items) {
        require(item.key > kAfter && item.key.starts_with(kPrefix), "a key of another page");
    }
    require(page->continuation.empty() || page->continuation > kAfter, "the listing never ends");
}

void change(std::string_view text) {
    const auto event = decodeChange(text, kPrefix);
    require(!event || event->item.key.starts_with(kPrefix), "a key that is not watched");
}

void refusal(std::string_view text) {
    const HttpReply reply{.status = text.empty() ? 0 : static_cast<unsigned char>(text[0]) * 4L,
                          .extended = text.size() % 2 == 0,
                          .etag = {},
                          .location = std::string(text),
                          .body = std::string(text)};
    const auto error = errorOf({.operation = "put", .key = "mooncake/rpc_meta/x", .shown_url = "http://h/m"}, reply);
    require(error.message.size() < 600, "a message without bounds");
    require(std::ranges::none_of(error.message + error.hint, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }),
            "a message with bytes of the server's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 5) {
        case 0:
            listing(text);
            break;
        case 1:
            change(text);
            break;
        case 2:
            static_cast<void>(checkWatching(text, kPrefix));
            break;
        case 3:
            refusal(text);
            break;
        default:
            static_cast<void>(HttpUrl::parse(text));
            break;
    }
    return 0;
}
