#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "mc/engine.h"
#include "mc/engine_options.h"

#include "transport/backoff.h"
#include "transport/lane.h"
#include "transport/slice.h"
#include "transport/tcp/client_connection.h"

namespace mc::tcp {

/// Where a peer is and what it promised.
struct Target {
    std::vector<io::SocketAddress> addresses;
    int version = 1;                  ///< tcp_proto_version of its descriptor, or less by option.
    std::uint64_t probe_address = 0;  ///< Of eight published bytes; 0: it published none.
};

/// A target that may change while lanes use it, and what they saw there. From any thread.
class TargetBox {
  public:
    explicit TargetBox(Target target) { set(std::move(target)); }
    std::shared_ptr<const Target> get() const;
    void set(Target target);
    PeerInfo shown() const;
    void show(const Trust& trust, const FileDescriptor& socket);
    /// A connection was lost, or could not be made.
    void showProblem(const Error& problem);

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Target> target_;
    PeerInfo shown_;
};

/// The requests of one client loop to one peer: one lasting connection that is used hard if the peer has earned it,
/// else one connection per request. Reconnects, retries, gives up. Called by the thread that drives the loop.
class Lane final : public mc::Lane, public ClientConnection::Owner {
  public:
    Lane(LaneContext& context, TargetBox& target, const TcpOptions& options)
        : context_(context), target_(target), options_(options), backoff_(context.loop, "tcp") {}
    ~Lane() override = default;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void push(Slice& slice) override { queue_.push(&slice); }
    void pump() override;
    /// A connection is being made or probed, its time runs.
    bool connecting() const override { return lasting_ && lasting_->state() != ClientConnection::State::Ready; }
    void checkDeadlines(SteadyClock::time_point now) override;
    void excuse(SteadyClock::duration held_up) override;
    void cancel() override;

    void onReady(ClientConnection& connection) override;
    void onClosed(ClientConnection& connection, const Error& error) override;
    void onFinished(ClientConnection& connection, Slice& slice, TaskStatus status, bool acknowledged) override;

  private:
    static constexpr std::size_t kMostSingles = 8;

    void connectLasting();
    void startSingles();
    std::unique_ptr<ClientConnection> connect(const Trust* trust);
    std::uint64_t probeAddress() const;
    bool failRequestsAt(std::uint64_t address);
    void fail(const Error& error);
    void finish(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now = SteadyClock::now());
    const io::SocketAddress& address(const Target& target) const;
    bool tryNextAddress(const ClientConnection& connection, bool useful, const Error& error);
    std::size_t retryOrFail(SliceQueue slices, const Error& error);
    void bury(ClientConnection& connection);

    LaneContext& context_;
    TargetBox& target_;
    const TcpOptions& options_;
    SliceQueue queue_;
    std::unique_ptr<ClientConnection> lasting_;
    std::vector<std::unique_ptr<ClientConnection>> singles_;
    std::optional<Trust> trust_;  ///< Set once it is known that the peer does not keep connections.
    bool ask_for_version_1_ = false;
    std::uint64_t probed_ = 0;
    bool shown_ = false;                ///< That of the current kind of connection.
    std::size_t address_ = 0;           ///< The target's one to connect to, modulo their number.
    std::size_t silent_addresses_ = 0;  ///< In a row, that did not even refuse.
    /// Requests to be sent one at a time, after a loss with several under way: a refusal ends the connection, and its
    /// reset may swallow the answers before it, so that only a lone request learns that it is the one.
    std::size_t cautious_ = 0;
    Backoff backoff_;
};

/// A peer of the tcp transport.
class TcpPeer final : public LanePeer {
  public:
    TcpPeer(Target peer_target, std::size_t loops, const TcpOptions& options)
        : LanePeer(loops), target(std::move(peer_target)), options_(options) {}
    std::unique_ptr<mc::Lane> makeLane(LaneContext& context) override {
        return std::make_unique<Lane>(context, target, options_);
    }

    TargetBox target;

  private:
    const TcpOptions& options_;
};

}  // namespace mc::tcp
