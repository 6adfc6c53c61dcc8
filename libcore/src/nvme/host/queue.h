#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mc/error.h"

#include "base/fd.h"
#include "io/event_loop.h"
#include "io/page_sender.h"
#include "io/socket_address.h"
#include "nvme/host/command.h"
#include "nvme/host/inbox.h"
#include "nvme/host/outbox.h"

namespace mc::nvme::host {

/// What is expected and asked of a queue's connection.
struct QueueSetup {
    io::SocketAddress address;
    std::string name;           ///< For messages: "127.0.0.1:4420 queue 1".
    std::uint16_t entries = 2;  ///< One fewer can be under way.
    std::uint32_t in_capsule_bytes = 0;
    bool header_digest = false;
    bool data_digest = false;
    std::string congestion;
};

/// One queue pair on its TCP connection: sets it up, sends commands and their data, and puts what comes where it
/// belongs. Believes nothing that the controller says; whatever does not fit ends the connection. Lives in one loop and
/// is used by its thread alone.
class Queue final : public io::EventHandler {
  public:
    /// The life of a queue.
    enum class State : std::uint8_t {
        Connecting = 0,    // The kernel's handshake.
        Initializing = 1,  // Waiting for InitializeConnectionResponse.
        Open = 2,          // Exchanging commands; the first one has to be Connect.
        Closed = 3,
    };
    static constexpr std::uint16_t kMostEntries = 1024;

    /// Told about changes. May not destroy the queue in the call.
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        virtual void onOpen(Queue& queue) = 0;
        /// Its commands are still in it: endAll.
        virtual void onClosed(Queue& queue, const Error& error) = 0;
        /// What came has been handled: completed commands have made room.
        virtual void onServed(Queue& queue) = 0;
    };

    static Result<std::unique_ptr<Queue>> start(io::EventLoop& loop, Owner& owner, QueueSetup setup);
    ~Queue() override;
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    State state() const { return state_; }
    bool full() const { return free_ == nullptr; }
    std::uint16_t entries() const { return static_cast<std::uint16_t>(commands_.size() + 1); }
    const std::string& name() const { return setup_.name; }
    const FileDescriptor& socket() const { return socket_; }
    void allowInCapsule(std::uint32_t bytes) { setup_.in_capsule_bytes = bytes; }
    std::span<const Command> commands() const { return commands_; }

    /// Takes the command; flush sends it. The queue is open and not full.
    void submit(const Submission& submission);
    void flush();
    /// Every command ends as lost. The queue is closed.
    void endAll();
    void close(const Error& error);
    /// Time is measured in calls of this: a process that did not run meanwhile does not blame the controller. Closes
    /// where a command is older than `limit`.
    void tick(std::uint32_t limit);
    /// Commands are under way that will be found late one day.
    bool hasLimitedCommands() const;

    void onEvents(std::uint32_t events) override;

  private:
    /// ReadyToTransfer that may be outstanding for one command.
    static constexpr std::size_t kMostTransfers = 4;
    /// Of a command id; above it is the generation, which tells a late answer.
    static constexpr std::uint16_t kIndexBits = 10;
    static constexpr std::uint16_t kIndexMask = (1U << kIndexBits) - 1;
    static_assert(kMostEntries == 1U << kIndexBits);

    Queue(io::EventLoop& loop, Owner& owner, QueueSetup setup, FileDescriptor socket);

    void onConnected();
    bool acceptInitializeResponse(std::span<const std::byte> pdu);
    void updateInterest();

    bool send();
    ssize_t sendNext(std::uint64_t& offered);
    /// The kernel may still be sending from the memory of commands.
    bool lendsPages() const;
    bool receive();
    ssize_t receiveNext(std::uint64_t& wanted);
    bool leavePages(Command& command);
    bool serveInbox();
    bool onHeader(std::span<const std::byte> pdu);
    bool onResponse(std::span<const std::byte> pdu);
    bool onData(std::span<const std::byte> pdu);
    bool finishData();
    bool onReadyToTransfer(std::span<const std::byte> pdu);
    void onTerminate(std::span<const std::byte> pdu);

    Command* find(std::uint16_t command_id);
    void prepareCapsule(Command& command, const SubmissionEntry& entry);
    void prepareTransfer(OutgoingPdu& transfer);
    void seal(OutgoingPdu& pdu, std::size_t header_length);
    void finish(Command& command, const CompletionEntry* answer);
    bool violation(std::uint16_t reason, std::span<const std::byte> pdu, std::string_view what);

    io::EventLoop& loop_;
    Owner& owner_;
    QueueSetup setup_;
    FileDescriptor socket_;
    State state_ = State::Connecting;
    std::uint32_t interest_ = 0;
    std::uint32_t ticks_ = 0;
    std::uint32_t data_alignment_ = 4;
    std::uint32_t max_data_ = 0;  // Of one PDU to the controller.

    std::vector<Command> commands_;
    std::vector<OutgoingPdu> transfers_;  // kMostTransfers for each command.
    Command* free_ = nullptr;
    std::size_t in_flight_ = 0;
    Outbox outbox_;
    io::PageSender page_sender_;

    Inbox inbox_;
    std::size_t with_pages_ = 0;    // Commands under way.
    bool pages_fit_ = true;         // What comes fills them well enough.
    Command* receiving_ = nullptr;  // Whose data is coming.
    bool ends_command_ = false;     // It is the last of it, and there will be no answer.
};

}  // namespace mc::nvme::host
