#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "nvme/host/controller.h"
#include "nvme/host/partial_writes.h"

namespace mc::nvme::host {

/// A range of bytes of a namespace.
struct NamespaceRange {
    std::uint32_t nsid = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    bool overlaps(const NamespaceRange& other) const {
        return nsid == other.nsid && begin < other.end && other.begin < end;
    }
};

/// Carries out a request whose range does not begin and end with blocks, by parts that do: the blocks at its ends go
/// through memory of its own. A write reads these first, once nobody else writes parts of them.
class UnalignedRequest {
  public:
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        virtual void submitPart(HostRequest& part) = 0;
        /// May destroy it.
        virtual void onEnded(UnalignedRequest& unaligned) = 0;
    };

    UnalignedRequest(HostRequest& request, std::uint32_t block_size, Owner& owner);
    UnalignedRequest(const UnalignedRequest&) = delete;
    UnalignedRequest& operator=(const UnalignedRequest&) = delete;
    /// Gives its blocks back.
    ~UnalignedRequest();

    /// Of a write, before it starts: wants the blocks at its ends for itself. False: it has to wait for `granted`,
    /// which is called in the loop.
    bool claim(std::shared_ptr<PartialWrites> partial_writes, io::EventLoop& loop,
               std::move_only_function<void()> granted);
    /// Submits its first parts.
    void start();
    HostRequest& request() { return request_; }
    /// With the whole of the blocks at its ends.
    const NamespaceRange& range() const { return range_; }
    std::uint32_t blockSize() const {
        return static_cast<std::uint32_t>(head_.block.empty() ? tail_.block.size() : head_.block.size());
    }
    bool writes() const { return request_.kind == HostRequest::Kind::Write; }

  private:
    enum Part : std::size_t { kHead = 0, kMiddle = 1, kTail = 2 };
    /// A block of which only a part is the request's.
    struct Edge {
        std::vector<std::byte> block;
        std::size_t begin = 0;  ///< In the block.
        std::size_t length = 0;
        std::byte* data = nullptr;  ///< The request's.
    };

    void submitParts(HostRequest::Kind kind, bool middle);
    void submitPart(Part part, HostRequest::Kind kind, std::uint64_t offset, std::span<std::byte> data);
    static void onPart(HostRequest& part);
    void partEnded(const HostRequest& part);

    HostRequest& request_;
    Owner& owner_;
    NamespaceRange range_;
    NamespaceRange middle_;
    Edge head_;  // The only one where the request lies within a block.
    Edge tail_;
    bool reading_first_ = false;
    unsigned parts_left_ = 0;
    std::array<HostRequest, 3> parts_;
    std::shared_ptr<PartialWrites> partial_writes_;
    std::shared_ptr<PartialWrites::Claim> claim_;
};

}  // namespace mc::nvme::host
