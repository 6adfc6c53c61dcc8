#include "io/page_cache.h"

#include <unistd.h>

namespace mc::io {
namespace {

// cachestat(2), which is younger than the C library's headers: the same number on all architectures.
constexpr long kCachestat = 451;

struct Range {
    std::uint64_t offset;
    std::uint64_t length;
};

struct Statistics {
    std::uint64_t cached;  // Pages.
    std::uint64_t dirty;
    std::uint64_t written_back;
    std::uint64_t evicted;
    std::uint64_t recently_evicted;
};

}  // namespace

std::optional<bool> inPageCache(int file, std::uint64_t offset, std::uint64_t length) {
    static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const Range range{offset, length};
    Statistics statistics{};
    if (::syscall(kCachestat, file, &range, &statistics, 0) != 0) return std::nullopt;
    return statistics.cached == (offset + length - 1) / kPage - offset / kPage + 1;
}

}  // namespace mc::io
