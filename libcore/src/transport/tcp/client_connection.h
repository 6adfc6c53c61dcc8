#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mc/engine_options.h"

#include "base/fd.h"
#include "io/event_loop.h"
#include "io/socket_address.h"
#include "transport/slice.h"
#include "transport/tcp/wire.h"

namespace mc::tcp {

/// What a peer has shown about itself, on one of its connections. Descriptors promise; this is what was seen.
struct Trust {
    int version = 1;      ///< 2: it sends status frames.
    bool keeps = false;   ///< It answers a second request on the same connection.
    bool proven = false;  ///< It answered a probe; if not, nothing is known, and it is treated as the oldest kind.
};

/// An initiator's connection: probes the peer, then exchanges requests and answers, many at a time if the peer keeps
/// connections, else one and no more. Lives in one loop and is called by the thread that drives it.
class ClientConnection final : public io::EventHandler {
  public:
    /// The life of a connection.
    enum class State {
        Connecting = 0,     // The kernel's handshake.
        ProbingFirst = 1,   // A read of eight bytes is under way: which version does it speak?
        ProbingSecond = 2,  // The same once more: does the connection survive the first?
        Ready = 3,          // Exchanging requests.
        Closed = 4,
    };

    /// Told about changes. May not destroy the connection in the call.
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        /// It can take requests, or take more: all answers are in.
        virtual void onReady(ClientConnection& connection) = 0;
        /// Its unfinished slices are still in it: takeUnfinished.
        virtual void onClosed(ClientConnection& connection, const Error& error) = 0;
        virtual void onFinished(ClientConnection& connection, Slice& slice, TaskStatus status, bool acknowledged) = 0;
    };

    struct Setup {
        io::SocketAddress address;
        std::uint64_t probe_address = 0;  ///< Of eight readable bytes; unused when `trust` is given.
        int version = 1;                  ///< To ask for first.
        const Trust* trust = nullptr;     ///< Given: no probe, one request, and it must not be `keeps`.
        const TcpOptions& options;
    };

    /// Starts to connect. An error here is one of the operating system; a peer's comes through onClosed.
    static Result<std::unique_ptr<ClientConnection>> start(io::EventLoop& loop, Owner& owner, const Setup& setup);
    ~ClientConnection() override;
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    State state() const { return state_; }
    const Trust& trust() const { return trust_; }
    /// The peer speaks version 2 and refused the address that it was probed with.
    bool probeRefused() const { return probe_refused_; }
    /// The descriptor promised version 2, but what came was ambiguous: ask for version 1 next time.
    bool downgraded() const { return downgraded_; }
    bool idle() const { return in_flight_.empty(); }
    /// The kernel's handshake was made.
    bool connected() const { return connected_; }
    const FileDescriptor& socket() const { return socket_; }
    /// The address, for messages.
    const std::string& name() const { return name_; }
    /// When something last came from the peer, or went to it.
    SteadyClock::time_point lastProgress() const { return last_progress_; }

    /// Appends a request; flush sends.
    void enqueue(Slice& slice);
    void flush();
    void onEvents(std::uint32_t events) override;

    /// Closes if the peer has let its time pass without a byte, or if a slice's own deadline has come.
    void checkDeadline(SteadyClock::time_point now);
    /// The time in which this process itself did not run is not counted as the peer's.
    void excuse(SteadyClock::duration held_up) { last_progress_ += held_up; }
    void close(const Error& error);
    SliceQueue takeUnfinished();

  private:
    ClientConnection(io::EventLoop& loop, Owner& owner, const Setup& setup, FileDescriptor socket);
    Error failure(std::string_view what, int number) const;

    void onConnected();
    void sendProbe();
    void receiveProbe();
    void judgeProbe();

    bool send();
    bool receive();
    bool consumeReceived(std::uint64_t bytes);
    bool finishHead();
    void onEndOfStream();
    void updateInterest();

    std::size_t outgoing(Slice& slice, std::span<iovec> parts) const;
    std::size_t incoming(Slice& slice, std::span<iovec> parts) const;
    std::uint64_t outgoingLength(const Slice& slice) const;
    std::uint64_t incomingLength(const Slice& slice) const;
    bool fenced(const Slice& slice) const;

    io::EventLoop& loop_;
    Owner& owner_;
    const TcpOptions& options_;
    FileDescriptor socket_;
    std::string name_;  // The peer's address, for messages.
    State state_ = State::Connecting;
    Trust trust_;
    bool single_;  // One request, no probe.
    bool downgraded_ = false;
    bool probe_refused_ = false;
    bool connected_ = false;
    std::uint32_t interest_ = 0;
    SteadyClock::time_point last_progress_;

    RequestHeader probe_;
    std::array<std::byte, 16> probe_answer_{};
    std::size_t probe_received_ = 0;

    SliceQueue in_flight_;
    Slice* sending_ = nullptr;    // The first that is not wholly sent.
    std::uint64_t sent_ = 0;      // Of it.
    std::uint64_t received_ = 0;  // Of the head's answer.
};

}  // namespace mc::tcp
