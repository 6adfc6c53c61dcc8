#include "io/device_shares.h"

namespace mc::io {

void DeviceShares::push(BlockRequest& request) {
    auto found = shares_.find(request.device);
    if (found == shares_.end()) {
        // The moment to forget devices that may not be there any more.
        std::erase_if(shares_, [](const auto& entry) { return entry.second.taken == 0 && !entry.second.in_line; });
        found = shares_.try_emplace(request.device).first;
    }
    Share& share = found->second;
    share.waiting.push(request);
    if (share.in_line) return;
    share.in_line = true;
    line_.push_back(&share);
}

// Of the first in the line, which goes to its end if more of it waits.
BlockRequest* DeviceShares::take(Share& share) {
    BlockRequest* const request = share.waiting.pop();
    line_.pop_front();
    share.in_line = !share.waiting.empty();
    if (share.in_line) line_.push_back(&share);
    return request;
}

BlockRequest* DeviceShares::next() {
    const std::size_t free = places_ - taken_;
    for (std::size_t looked = 0; free > 0 && looked < line_.size(); ++looked) {
        Share& share = *line_.front();
        if (share.taken == 0 || share.taken * 2 < free) {
            ++share.taken;
            ++taken_;
            return take(share);
        }
        line_.pop_front();
        line_.push_back(&share);
    }
    return nullptr;
}

BlockRequest* DeviceShares::starved() {
    for (std::size_t looked = 0; taken_ == places_ && looked < line_.size(); ++looked) {
        Share& share = *line_.front();
        if (share.taken == 0) return take(share);
        line_.pop_front();
        line_.push_back(&share);
    }
    return nullptr;
}

void DeviceShares::leave(const BlockRequest& request) {
    --shares_[request.device].taken;
    --taken_;
}

}  // namespace mc::io
