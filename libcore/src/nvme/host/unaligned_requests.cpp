#include "nvme/host/unaligned_requests.h"

#include <algorithm>
#include <utility>

namespace mc::nvme::host {

void UnalignedRequests::begin(HostRequest& request, std::uint32_t block_size) {
    auto made = std::make_unique<UnalignedRequest>(request, block_size, *this);
    UnalignedRequest& unaligned = *made;
    const bool starts =
        !unaligned.writes() || unaligned.claim(partial_writes_, loop_, [this, &unaligned] { onGranted(unaligned); });
    (starts ? running_ : waiting_).push_back(std::move(made));
    if (starts) unaligned.start();
}

bool UnalignedRequests::beginGranted(const IsBeingWritten& is_being_written) {
    const auto next = std::ranges::find_if(granted_, [&](const auto& granted) {
        return !oneWritesTo(running_, granted->range()) && !is_being_written(granted->range(), granted->blockSize());
    });
    if (next == granted_.end()) return false;
    running_.push_back(std::move(*next));
    granted_.erase(next);
    running_.back()->start();
    return true;
}

RequestList UnalignedRequests::takeBack() {
    RequestList all;
    for (List* const list : {&granted_, &waiting_}) {
        for (const auto& unaligned : std::exchange(*list, List{})) {
            all.push(unaligned->request());
        }
    }
    return all;
}

void UnalignedRequests::onEnded(UnalignedRequest& unaligned) {
    HostRequest& request = unaligned.request();
    take(running_, unaligned).reset();
    owner_.onUnalignedEnded(request);
}

void UnalignedRequests::onGranted(UnalignedRequest& unaligned) {
    granted_.push_back(take(waiting_, unaligned));
    owner_.onBlocksGranted();
}

bool UnalignedRequests::oneWritesTo(const List& list, const NamespaceRange& range) {
    return std::ranges::any_of(list,
                               [&](const auto& other) { return other->writes() && other->range().overlaps(range); });
}

std::unique_ptr<UnalignedRequest> UnalignedRequests::take(List& list, const UnalignedRequest& unaligned) {
    const auto found = std::ranges::find(list, &unaligned, &std::unique_ptr<UnalignedRequest>::get);
    std::unique_ptr<UnalignedRequest> taken = std::move(*found);
    list.erase(found);
    return taken;
}

}  // namespace mc::nvme::host
