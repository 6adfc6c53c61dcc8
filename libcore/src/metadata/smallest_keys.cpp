#include "metadata/smallest_keys.h"

#include <utility>

namespace mc::metadata {

void SmallestKeys::add(std::string&& key) {
    // Once something was left out, what lies behind the last key is, too.
    if (left_out_ && !keys_.empty() && key > *keys_.rbegin()) return;
    const auto size = key.size();
    if (!keys_.insert(std::move(key)).second) return;
    bytes_ += size;
    while (keys_.size() > 1 && (keys_.size() > max_keys_ || bytes_ > max_bytes_)) {
        left_out_ = true;
        const auto last = std::prev(keys_.end());
        bytes_ -= last->size();
        keys_.erase(last);
    }
}

std::string SmallestKeys::take() {
    auto first = keys_.extract(keys_.begin());
    bytes_ -= first.value().size();
    return std::move(first.value());
}

}  // namespace mc::metadata
