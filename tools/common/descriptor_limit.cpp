#include "common/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace mc::tools {
namespace {

constexpr rlim_t kOtherDescriptors = 64;  // Beside those of connections.

}  // namespace

bool raiseDescriptorLimit(std::size_t connections) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
    const rlim_t wanted = connections + kOtherDescriptors;
    if (limit.rlim_cur >= wanted) return true;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= wanted;
}

std::size_t hardDescriptorLimit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}

}  // namespace mc::tools
