#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mc/engine_options.h"

#include "nvme/host/controller.h"
#include "transport/lane.h"
#include "transport/nvmeof/remote_target.h"

namespace mc::nvmeof {

/// The requests of one client loop to the files of one peer: a host controller of its own, which reconnects by itself,
/// and a new one when that has given up or the peer has moved.
class Lane final : public mc::Lane, public nvme::HostController::Owner {
  public:
    Lane(LaneContext& context, RemoteTargetBox& target, const NvmeofOptions& options);
    ~Lane() override;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void push(Slice& slice) override { queue_.push(&slice); }
    void pump() override;
    bool connecting() const override;
    void checkDeadlines(SteadyClock::time_point now) override;
    void excuse(SteadyClock::duration /*held_up*/) override {}  // Controllers measure time in what they ran of it.
    void cancel() override;

    void onState(nvme::HostController::State state, const Error* cause) override;
    void onNamespaces() override {}

  private:
    /// A request to the controller, and the slice that it is made for.
    struct Request : nvme::HostRequest {
        Slice* slice = nullptr;  ///< Null: not in use.
        Request* next_free = nullptr;
    };

    void connect();
    void bury();
    void abandon();
    void submitQueued();
    static void onDone(nvme::HostRequest& request);
    void onEnded(Request& request);
    void retryOrFail(Slice& slice);
    void expireQueued(SteadyClock::time_point now);
    void backOff();
    void retryQueue();

    LaneContext& context_;
    RemoteTargetBox& target_;
    const NvmeofOptions& options_;
    std::uint64_t target_version_ = 0;  ///< Of the target that the controller was made for.
    SliceQueue queue_;
    std::vector<Request> requests_;
    Request* free_ = nullptr;
    std::unique_ptr<nvme::HostController> controller_;
    bool counted_ = false;     ///< As a connection.
    bool abandoning_ = false;  ///< What is canceled was not by the owner's wish.
    Error loss_;               ///< Why the last connection was lost.
    bool refusal_told_ = false;
    unsigned failures_ = 0;  ///< In a row without an answer.
    SteadyClock::time_point not_before_{};
    io::EventLoop::TimerId retry_timer_ = 0;
};

/// A peer of the nvmeof_generic transport.
class NvmeofPeer final : public LanePeer {
  public:
    NvmeofPeer(RemoteTarget remote, std::size_t loops, const NvmeofOptions& options)
        : LanePeer(loops), target(std::move(remote)), options_(options) {}
    std::unique_ptr<mc::Lane> makeLane(LaneContext& context) override {
        return std::make_unique<Lane>(context, target, options_);
    }

    RemoteTargetBox target;

  private:
    const NvmeofOptions& options_;
};

}  // namespace mc::nvmeof
