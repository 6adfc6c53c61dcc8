#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mc/engine_options.h"

#include "nvme/host/controller.h"
#include "nvme/host/shared_state.h"
#include "transport/backoff.h"
#include "transport/lane.h"
#include "transport/nvmeof/remote_peer.h"
#include "transport/nvmeof/remote_target.h"

namespace mc::nvmeof {

/// The requests of one client loop to the files of one peer: a host controller of its own, which reconnects by itself,
/// and a new one when that has given up or the peer has moved.
class Lane final : public mc::Lane, public nvme::HostController::Owner {
  public:
    Lane(LaneContext& context, RemoteTargetBox& target, const NvmeofOptions& options,
         std::shared_ptr<nvme::SharedState> shared);
    ~Lane() override = default;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void push(Slice& slice) override { queue_.push(&slice); }
    void pump() override;
    bool connecting() const override;
    void checkDeadlines(SteadyClock::time_point now) override;
    void excuse(SteadyClock::duration /*held_up*/) override {}  // Controllers measure time in what they ran of it.
    void cancel() override;

    void onState(nvme::HostController::State state, const Error* cause) override;
    void onNamespaces() override;
    void onReplaced(const Error& error) override;

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
    void onRejected(Slice& slice, const nvme::HostRequest& request);
    void retryOrFail(Slice& slice);
    void retryPostponed(SteadyClock::time_point now);
    void retryQueue();

    LaneContext& context_;
    RemoteTargetBox& target_;
    const NvmeofOptions& options_;
    const std::shared_ptr<nvme::SharedState> shared_;  ///< Of all lanes to the peer.
    std::uint64_t target_version_ = 0;                 ///< Of the target that the controller was made for.
    SliceQueue queue_;
    struct Postponed {
        Slice* slice;
        SteadyClock::time_point until;
    };
    std::vector<Postponed> postponed_;  ///< Refused, but not for good.
    std::vector<Request> requests_;
    Request* free_ = nullptr;
    std::unique_ptr<nvme::HostController> controller_;
    bool counted_ = false;     ///< As a connection.
    bool abandoning_ = false;  ///< What is canceled was not by the owner's wish.
    Error loss_;               ///< Why the last connection was lost.
    bool refusal_told_ = false;
    Backoff backoff_;
};

/// A peer that our own hosts reach.
class NvmeofPeer final : public RemotePeer {
  public:
    NvmeofPeer(RemoteTarget remote, std::size_t loops, const NvmeofOptions& options)
        : RemotePeer(loops), target(std::move(remote)), options_(options) {}
    std::unique_ptr<mc::Lane> makeLane(LaneContext& context) override {
        return std::make_unique<Lane>(context, target, options_, shared_);
    }
    Result<void> follow(RemoteTarget remote) override {
        for (const FileBufferID other : target.set(std::move(remote)))
            shared_->identities.forget(other);
        return {};
    }
    PeerInfo inspect() const override { return target.shown(); }

    RemoteTargetBox target;

  private:
    const NvmeofOptions& options_;
    const std::shared_ptr<nvme::SharedState> shared_ = std::make_shared<nvme::SharedState>();
};

}  // namespace mc::nvmeof
