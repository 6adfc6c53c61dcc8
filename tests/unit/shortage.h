#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "base/fd.h"

namespace mc::test {

/// Takes every descriptor that the process may still open but `left`, as long as it lives.
class DescriptorShortage {
  public:
    explicit DescriptorShortage(std::size_t left = 0) {
        ::getrlimit(RLIMIT_NOFILE, &saved_);
        rlimit low = saved_;
        low.rlim_cur = 256;
        ::setrlimit(RLIMIT_NOFILE, &low);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
            taken_.emplace_back(fd);
        }
        while (left-- > 0 && !taken_.empty()) {
            taken_.pop_back();
        }
    }
    DescriptorShortage(const DescriptorShortage&) = delete;
    DescriptorShortage& operator=(const DescriptorShortage&) = delete;
    ~DescriptorShortage() { ::setrlimit(RLIMIT_NOFILE, &saved_); }

  private:
    rlimit saved_{};
    std::vector<FileDescriptor> taken_;
};

/// No thread can be started as long as it lives: each would want more stack than there is address space.
class ThreadShortage {
  public:
    ThreadShortage() {
        ::pthread_getattr_default_np(&saved_);
        pthread_attr_t greedy;
        ::pthread_attr_init(&greedy);
        ::pthread_attr_setstacksize(&greedy, std::size_t{1} << 50U);
        ::pthread_setattr_default_np(&greedy);
        ::pthread_attr_destroy(&greedy);
    }
    ThreadShortage(const ThreadShortage&) = delete;
    ThreadShortage& operator=(const ThreadShortage&) = delete;
    ~ThreadShortage() {
        ::pthread_setattr_default_np(&saved_);
        ::pthread_attr_destroy(&saved_);
    }

  private:
    pthread_attr_t saved_{};
};

}  // namespace mc::test
