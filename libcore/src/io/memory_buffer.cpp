#include "io/memory_buffer.h"

#include <fmt/format.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/units.h"
#include "io/available_memory.h"

namespace mc::io {
namespace {

constexpr std::uint64_t kTwoMiB = 2ULL << 20;
constexpr std::uint64_t kOneGiB = 1ULL << 30;

std::string locationOf(const std::vector<NumaNode>& nodes) {
    return nodes.size() == 1 ? fmt::format("cpu:{}", nodes.front().id) : "*";
}

std::string describe(std::size_t size, const BufferOptions& options, std::uint64_t huge_page_size) {
    const std::string pages = huge_page_size == 0 ? "" : fmt::format(" in pages of {}", formatSize(huge_page_size));
    return options.nodes.size() == 1
               ? fmt::format("{} on NUMA node {}{}", formatSize(size), options.nodes.front().id, pages)
               : fmt::format("{} over {} NUMA nodes{}", formatSize(size), options.nodes.size(), pages);
}

// Tells the kernel where the pages belong; an errno, or 0.
int bindTo(const std::vector<NumaNode>& nodes, std::span<std::byte> memory) {
    constexpr std::size_t kBits = sizeof(unsigned long) * CHAR_BIT;
    std::array<unsigned long, 1024 / kBits> mask{};
    for (const NumaNode& node : nodes) {
        if (node.id < 0 || node.id >= 1024) return EINVAL;
        mask[static_cast<std::size_t>(node.id) / kBits] |= 1UL << (static_cast<std::size_t>(node.id) % kBits);
    }
    const int mode = nodes.size() == 1 ? MPOL_BIND : MPOL_INTERLEAVE;
    // One more than there are bits: the kernel counts so.
    const long done = ::syscall(SYS_mbind, memory.data(), memory.size(), mode, mask.data(), 1024 + 1, 0);
    return done == 0 ? 0 : errno;
}

// Without binding the first write decides the node of a page, so it is done by a thread that runs there.
int touchFrom(const NumaNode& node, std::span<std::byte> memory, std::uint64_t page_size) {
    int error = 0;
    std::jthread toucher([&] {
        if (!node.cpus.empty()) {
            cpu_set_t set;
            CPU_ZERO(&set);
            for (const int cpu : node.cpus)
                CPU_SET(cpu, &set);
            ::sched_setaffinity(0, sizeof(set), &set);  // Where this is forbidden, the memory is somewhere else.
        }
        if (::madvise(memory.data(), memory.size(), MADV_POPULATE_WRITE) == 0) return;
        if (errno != EINVAL) {
            error = errno == EFAULT ? ENOMEM : errno;  // EFAULT: a page of this kind is missing where it should be.
            return;
        }
        // Kernels before 5.14.
        for (std::size_t at = 0; at < memory.size(); at += page_size) {
            *static_cast<volatile std::byte*>(memory.data() + at) = std::byte{0};
        }
    });
    toucher.join();
    return error;
}

// Asked before, because the kernel's own answer to memory that isn't there is to kill a process.
Result<void> expectAvailable(std::size_t size, const BufferOptions& options) {
    const auto available = availableMemory();
    const auto of_node =
        options.bind && options.nodes.size() == 1 ? availableMemoryOn(options.nodes.front().id) : std::nullopt;
    const std::uint64_t least = std::min(available.value_or(UINT64_MAX), of_node.value_or(UINT64_MAX));
    if (size <= least) return {};
    return fail(
        ErrorCode::System,
        fmt::format("allocate {}: only {} MiB of memory are available", describe(size, options, 0), least >> 20),
        "ask for less, or see what else uses memory: free -h, /proc/meminfo, and the limits of the control group");
}

Error hugePagesMissing(std::size_t size, const BufferOptions& options, std::uint64_t page_size, int number) {
    Error error = systemError("allocate", describe(size, options, page_size), number);
    const auto free = freeHugePages(page_size);
    if (!free) {
        error.message = fmt::format("allocate {}: this machine has no such pages", describe(size, options, page_size));
        error.hint = "use --huge-pages=auto";
        return error;
    }
    error.code = ErrorCode::System;
    const std::uint64_t wanted = size / page_size;
    error.message += fmt::format(" ({} pages are needed, {} are free)", wanted, *free / page_size);
    error.hint = page_size == kTwoMiB
                     ? fmt::format("as root: sysctl vm.nr_hugepages={}; or use --huge-pages=auto", wanted)
                     : fmt::format(
                           "as root: echo {} > /sys/kernel/mm/hugepages/hugepages-{}kB/nr_hugepages; or use "
                           "--huge-pages=auto",
                           wanted, page_size / 1024);
    return error;
}

std::uint64_t explicitPageSize(HugePages pages) {
    return pages == HugePages::TwoMiB ? kTwoMiB : pages == HugePages::OneGiB ? kOneGiB : 0;
}

}  // namespace

Result<Buffer> Buffer::allocate(std::size_t size, const BufferOptions& options) {
    if (size == 0) return fail(ErrorCode::InvalidArgument, "allocate memory: its size is 0");
    const std::uint64_t asked = explicitPageSize(options.huge_pages);
    if (asked != 0 && size % asked != 0) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("allocate {}: no multiple of the page size", describe(size, options, asked)),
                    fmt::format("ask for {}", formatSize((size / asked + 1) * asked)));
    }
    Result<Buffer> buffer = std::unexpected(Error{});
    if (options.huge_pages == HugePages::Auto && size % kTwoMiB == 0 && freeHugePages(kTwoMiB).value_or(0) >= size)
        buffer = map(size, options, kTwoMiB);
    if (!buffer) buffer = map(size, options, asked);
    if (!buffer) return buffer;
    if (options.lock) {
        if (auto locked = buffer->lock(); !locked) return std::unexpected(locked.error());
    }
    return buffer;
}

Result<Buffer> Buffer::map(std::size_t size, const BufferOptions& options, std::uint64_t huge_page_size) {
    const bool huge = huge_page_size != 0;
    const std::string object = describe(size, options, huge_page_size);
    // Explicit huge pages are reserved here, ordinary ones are there once they are touched.
    const int kind = huge ? MAP_HUGETLB | (std::countr_zero(huge_page_size) << MAP_HUGE_SHIFT) : MAP_NORESERVE;
    void* const addr = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | kind, -1, 0);
    if (addr == MAP_FAILED) {
        const int number = errno;
        if (huge) return std::unexpected(hugePagesMissing(size, options, huge_page_size, number));
        return failErrno("allocate", object, number);
    }
    Buffer buffer;
    buffer.memory_ = {static_cast<std::byte*>(addr), size};
    buffer.location_ = locationOf(options.nodes);
    buffer.page_size_ = huge ? huge_page_size : static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (!huge) {
        if (auto available = expectAvailable(size, options); !available) return std::unexpected(available.error());
        const bool never = options.huge_pages == HugePages::Never;
        // Advice only: some kernels have none.
        buffer.transparent_ = ::madvise(addr, size, never ? MADV_NOHUGEPAGE : MADV_HUGEPAGE) == 0 && !never;
    }
    if (options.bind) {
        if (const int error = bindTo(options.nodes, buffer.memory_); error == EPERM || error == ENOSYS) {
            log::warning("{}: the kernel may not be told where (mbind: {}); where it is touched first decides", object,
                         error == EPERM ? "not permitted" : "not there");
        } else if (error != 0) {
            return failErrno("place", object, error);
        }
    }
    if (const int error = touchFrom(options.nodes.front(), buffer.memory_, buffer.page_size_); error != 0) {
        if (huge) return std::unexpected(hugePagesMissing(size, options, huge_page_size, error));
        return failErrno("allocate", object, error);
    }
    return buffer;
}

Result<void> Buffer::lock() {
    if (::mlock(memory_.data(), memory_.size()) == 0) {
        locked_ = true;
        return {};
    }
    const int number = errno;
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    const std::string limit_text = limit.rlim_cur == RLIM_INFINITY ? "no limit" : formatSize(limit.rlim_cur);
    return fail(ErrorCode::NotPermitted,
                fmt::format("lock {} of memory: {} (RLIMIT_MEMLOCK: {})", formatSize(memory_.size()),
                            number == EPERM || number == ENOMEM ? "more than this process may lock"
                                                                : systemError("mlock", "", number).message,
                            limit_text),
                "raise the limit first: ulimit -l unlimited (as root: prlimit --memlock=unlimited --pid $$), in a "
                "systemd unit LimitMEMLOCK=infinity; or leave --lock out");
}

Buffer::Buffer(Buffer&& other) noexcept
    : memory_(std::exchange(other.memory_, {})),
      location_(std::move(other.location_)),
      page_size_(other.page_size_),
      transparent_(other.transparent_),
      locked_(other.locked_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(location_, other.location_);
    std::swap(page_size_, other.page_size_);
    std::swap(transparent_, other.transparent_);
    std::swap(locked_, other.locked_);
    return *this;
}

Buffer::~Buffer() {
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace mc::io
