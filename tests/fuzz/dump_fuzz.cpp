// A dump from anywhere: never a crash, and what is read of a whole one makes the same entries again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "metadata/dump.h"

namespace {

using namespace mc::metadata;

// The lines of the entries; nothing if the dump is refused.
std::optional<std::string> entriesOf(const std::string& text, std::uint64_t& count) {
    std::istringstream stream(text);
    DumpReader reader(stream, "dump");
    std::string lines;
    for (count = 0;; ++count) {
        const auto entry = reader.next();
        if (!entry) return std::nullopt;
        if (!*entry) return lines;
        lines += dumpLine((*entry)->key, (*entry)->value);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint64_t count = 0;
    const auto entries = entriesOf(std::string(reinterpret_cast<const char*>(data), size), count);
    if (!entries) return 0;
    std::uint64_t again = 0;
    if (entriesOf(dumpHeader("") + *entries + dumpEnd(count), again) == entries && again == count) return 0;
    std::fprintf(stderr, "the entries have changed\n");
    std::abort();
}
