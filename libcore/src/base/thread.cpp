#include "base/thread.h"

#include <pthread.h>

#include <atomic>

namespace mc {

void nameThisThread(const std::string& name) {
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

unsigned threadNumber() {
    static std::atomic<unsigned> next = 0;
    thread_local const unsigned number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

}  // namespace mc
