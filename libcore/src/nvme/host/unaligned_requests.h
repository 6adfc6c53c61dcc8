#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "nvme/host/partial_writes.h"
#include "nvme/host/request_list.h"
#include "nvme/host/unaligned.h"

namespace mc::nvme::host {

/// The requests of one controller whose ranges do not begin and end with blocks. A write waits here until no other
/// controller that shares `partial_writes` writes parts of the blocks at its ends.
class UnalignedRequests final : public UnalignedRequest::Owner {
  public:
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        virtual void submitPart(HostRequest& part) = 0;
        /// Nothing of it is left here.
        virtual void onUnalignedEnded(HostRequest& request) = 0;
        /// A write has the blocks that it waited for: startGranted.
        virtual void onBlocksGranted() = 0;
    };

    UnalignedRequests(io::EventLoop& loop, std::shared_ptr<PartialWrites> partial_writes, Owner& owner)
        : loop_(loop), partial_writes_(std::move(partial_writes)), owner_(owner) {}

    /// Submits its first parts, at once unless it has to wait for blocks.
    void begin(HostRequest& request, std::uint32_t block_size);
    /// Begins one write that had to wait for its blocks and has them, in a range to which nothing else is being
    /// written. False: there is none.
    using IsBeingWritten = std::function<bool(const NamespaceRange&, std::uint32_t block_size)>;
    bool beginGranted(const IsBeingWritten& is_being_written);
    bool empty() const { return running_.empty() && granted_.empty() && waiting_.empty(); }
    /// Whether one of those that have their blocks writes to the range.
    bool writeTo(const NamespaceRange& range) const {
        return oneWritesTo(running_, range) || oneWritesTo(granted_, range);
    }
    /// Those that have not begun. What they had, others may have.
    RequestList takeBack();

  private:
    using List = std::vector<std::unique_ptr<UnalignedRequest>>;

    void submitPart(HostRequest& part) override { owner_.submitPart(part); }
    void onEnded(UnalignedRequest& unaligned) override;
    void onGranted(UnalignedRequest& unaligned);
    static bool oneWritesTo(const List& list, const NamespaceRange& range);
    static std::unique_ptr<UnalignedRequest> take(List& list, const UnalignedRequest& unaligned);

    io::EventLoop& loop_;
    const std::shared_ptr<PartialWrites> partial_writes_;
    Owner& owner_;
    List waiting_;  // For their blocks.
    List granted_;  // Have them, and may have to wait for others of this controller.
    List running_;
};

}  // namespace mc::nvme::host
