#include "metadata/pages.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace mc::metadata {

Result<void> forEachPage(Store& store, const Listing& listing, const std::function<Result<bool>(Page&)>& take) {
    std::string after;
    std::size_t seen = 0;
    do {
        auto page = store.list(listing.prefix, listing.page, after, listing.deadline);
        if (!page) return std::unexpected(page.error());
        after = page->continuation;
        seen += page->items.size();
        if (listing.stop.stop_requested()) return {};
        if (!after.empty() && listing.deadline && SteadyClock::now() >= *listing.deadline)
            return fail(ErrorCode::TimedOut, fmt::format("list: {} keys until the deadline", seen));
        const auto more = take(*page);
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
    } while (!after.empty());
    return {};
}

}  // namespace mc::metadata
