// A segment descriptor from anywhere: never a crash, and what was understood survives being written and read again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mc/segment.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto first = mc::decodeSegmentDescriptor({reinterpret_cast<const char*>(data), size});
    if (!first) return 0;
    const std::string text = mc::encodeSegmentDescriptor(*first);
    const auto second = mc::decodeSegmentDescriptor(text);
    if (!second || *second != *first) {
        std::fprintf(stderr, "does not survive: %s\n%s\n", text.c_str(),
                     second ? "read differently" : second.error().message.c_str());
        std::abort();
    }
    return 0;
}
