#include "transport/completion.h"

namespace mc {

void Completion::finish() {
    if (running_.fetch_sub(1) == 1 && waiters_.load() > 0) nudge();
}

void Completion::wait(std::uint32_t ticket, Deadline deadline) {
    waiters_.fetch_add(1);
    if (running_.load() != 0) futexWait(signal_, ticket, deadline);
    waiters_.fetch_sub(1);
}

void Completion::waitDone(Deadline deadline) {
    while (!done() && (!deadline || SteadyClock::now() < *deadline)) {
        wait(ticket(), deadline);
    }
}

void Completion::nudge() {
    signal_.fetch_add(1);
    futexWakeAll(signal_);
}

}  // namespace mc
