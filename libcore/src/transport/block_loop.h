#pragma once

#include <memory>
#include <span>

#include "io/block_queue.h"
#include "transport/client_loop.h"

namespace mc {

/// A ClientLoop::Prepare that gives the loop a BlockQueue.
Result<std::shared_ptr<void>> openBlockQueue(io::EventLoop& loop);
/// That of the loop, one of `loops`, to which `context` belongs.
io::BlockQueue& blockQueueOf(std::span<const std::unique_ptr<ClientLoop>> loops, const LaneContext& context);

}  // namespace mc
