#pragma once

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

}  // namespace mc::test
