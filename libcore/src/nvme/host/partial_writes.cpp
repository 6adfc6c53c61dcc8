#include "nvme/host/partial_writes.h"

#include <algorithm>

namespace mc::nvme {

bool PartialWrites::take(const std::shared_ptr<Claim>& claim) {
    const std::lock_guard lock(mutex_);
    for (const Block& block : claim->blocks) {
        auto& queue = queues_[block];
        queue.push_back(claim);
        if (queue.size() > 1) ++claim->lacking;
    }
    return claim->lacking == 0;
}

void PartialWrites::giveBack(const Claim& claim) {
    const std::lock_guard lock(mutex_);
    for (const Block& block : claim.blocks) {
        const auto entry = queues_.find(block);
        auto& queue = entry->second;
        const auto own = std::ranges::find(queue, &claim, &std::shared_ptr<Claim>::get);
        const bool had = own == queue.begin();
        queue.erase(own);
        if (queue.empty()) {
            queues_.erase(entry);
        } else if (had && --queue.front()->lacking == 0) {
            queue.front()->loop.post([next = queue.front()] {
                if (next->granted) next->granted();
            });
        }
    }
}

}  // namespace mc::nvme
