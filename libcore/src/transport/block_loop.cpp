#include "transport/block_loop.h"

#include <algorithm>
#include <utility>

namespace mc {

Result<std::shared_ptr<void>> openBlockQueue(io::EventLoop& loop) {
    auto blocks = io::BlockQueue::open(loop, {});
    if (!blocks) return std::unexpected(blocks.error());
    return std::shared_ptr<io::BlockQueue>(std::move(*blocks));
}

io::BlockQueue& blockQueueOf(std::span<const std::unique_ptr<ClientLoop>> loops, const LaneContext& context) {
    const auto own = std::ranges::find_if(loops, [&](const auto& loop) { return &loop->context() == &context; });
    return *static_cast<io::BlockQueue*>((*own)->prepared());
}

}  // namespace mc
