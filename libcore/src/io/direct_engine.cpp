#include "io/direct_engine.h"

#include <sys/uio.h>

#include <cerrno>

namespace mc::io {

void DirectEngine::flush() {
    kept_ = 0;
    do {
        again_ = false;
        while (BlockRequest* const request = shares_.next()) {
            prepare(*request);
        }
        while (BlockRequest* const request = shares_.starved()) {
            sink_.needsWorker(*request);
        }
        give();
    } while (again_);
}

int DirectEngine::flagsOf(const BlockRequest& request) {
    return (request.durable ? RWF_DSYNC : 0) | (shares_.canTell(request) ? RWF_NOWAIT : 0);
}

void DirectEngine::finish(BlockRequest& request, long result) {
    if (result == -EOPNOTSUPP || result == -EAGAIN) {
        refused(request, result);
        return;
    }
    shares_.leave(request);
    if (result < 0) {
        sink_.ended(request, static_cast<int>(-result));
        return;
    }
    request.moved += static_cast<std::uint64_t>(result);
    if (request.moved < request.length) {
        sink_.needsWorker(request);  // Which finds out why.
    } else {
        sink_.ended(request, 0);
    }
}

void DirectEngine::refused(BlockRequest& request, long result) {
    const bool by_flag = result == -EOPNOTSUPP && (flagsOf(request) & RWF_NOWAIT) != 0;
    if (by_flag) shares_.setCannotTell(request);
    shares_.leave(request);
    if (by_flag) {
        shares_.push(request);
        again_ = true;
    } else {
        sink_.needsWorker(request);
    }
}

}  // namespace mc::io
