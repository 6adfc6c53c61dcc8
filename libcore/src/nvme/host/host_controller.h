#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nvme/host/association.h"
#include "nvme/host/controller.h"
#include "nvme/host/request_list.h"
#include "nvme/host/shared_state.h"
#include "nvme/host/unaligned_requests.h"

namespace mc::nvme::host {

/// The one kind of HostController: keeps an association alive, and makes commands of requests.
class Controller final : public HostController, public Association::Owner, UnalignedRequests::Owner {
  public:
    Controller(io::EventLoop& loop, HostController::Owner& owner, std::vector<io::SocketAddress> addresses,
               std::string subsystem_nqn, HostOptions options, std::shared_ptr<SharedState> shared);
    ~Controller() override;
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    /// Connects, or tells why it can't. Called once.
    void begin(const Result<void>& usable);

    State state() const override { return state_; }
    const std::vector<NamespaceInfo>& namespaces() const override { return namespaces_; }
    std::string congestionControl() const override;
    void submit(HostRequest& request) override;
    void flush() override;
    void drop(const Error& cause) override;
    void cancel() override;

  private:
    void onLive(Association& association) override;
    void onEnded(Association& association, const Error& error) override;
    void onNamespaces(Association& association) override;
    void onServed(Association& association) override;
    void submitPart(HostRequest& part) override { submit(part); }
    void onUnalignedEnded(HostRequest& request) override { request.done(request); }
    void onBlocksGranted() override { flush(); }

    // Connections:
    void connect();
    void bury(Association& association);
    void afterLoss(const Error& error);
    void connectLater(std::chrono::milliseconds delay);
    void giveUp(const Error& cause);
    void takeNamespaces();
    void tellReplaced();

    // Requests:
    bool live() const { return state_ == State::Ready && association_ != nullptr; }
    void pump();
    bool issue(RequestList& list);
    bool issueCommands(HostRequest& request, std::uint32_t block_size);
    static void onAnswer(void* context, const CompletionEntry* answer);
    const NamespaceInfo* find(std::uint32_t nsid);
    void refuseOrAsk(HostRequest& request);
    void askForStrangers();
    bool hasToWait(const HostRequest& request, std::uint32_t block_size, bool unaligned) const;
    bool isBeingWritten(const NamespaceRange& range, std::uint32_t block_size) const;
    void endPartlyIssued();
    void endParts();
    static void end(RequestList& list, HostRequest::Outcome outcome);
    void endWaiting(HostRequest::Outcome outcome);

    io::EventLoop& loop_;
    HostController::Owner& owner_;
    const std::vector<io::SocketAddress> addresses_;
    const std::string subsystem_nqn_;
    const HostOptions options_;
    const std::shared_ptr<SharedState> shared_;

    State state_ = State::Connecting;
    std::unique_ptr<Association> association_;
    std::size_t address_ = 0;  // The next one to try, modulo their number.
    unsigned attempts_ = 0;    // In a row without success.
    bool refused_ = false;     // The last attempt was.
    SteadyClock::time_point lost_at_{};
    io::EventLoop::TimerId connect_timer_ = 0;
    io::EventLoop::TimerId loss_timer_ = 0;
    Error last_error_;
    bool canceled_ = false;

    std::vector<NamespaceInfo> namespaces_;  // By number.
    std::size_t last_found_ = 0;
    /// What has the number of a namespace that it is not; not among them.
    struct Replaced {
        std::uint32_t nsid = 0;
        Error error;
    };
    std::vector<Replaced> replaced_;

    RequestList waiting_;
    RequestList parts_;      // Of unaligned requests; before those that wait, which may wait for them.
    RequestList strangers_;  // Their namespaces were not found; to be read again.
    RequestList asking_;     // The same; being read.
    bool pumping_ = false;
    UnalignedRequests unaligned_;
};

}  // namespace mc::nvme::host
