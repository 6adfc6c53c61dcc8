#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mc/error.h"
#include "mc/file_host_load.h"

#include "base/fd.h"
#include "io/event_loop.h"
#include "io/socket_address.h"
#include "nvme/target/command_set.h"
#include "nvme/target/command_table.h"
#include "nvme/target/output_queue.h"
#include "nvme/target/pdu_check.h"
#include "nvme/wire/pdu.h"

namespace mc::nvme {

class Controller;
class Worker;

/// One accepted connection, which becomes a queue: reads PDUs, moves data between the socket and memory or buffers,
/// hands commands to its command set and sends what comes of them. Lives in one loop and is called by its thread only.
class Connection final : public io::EventHandler {
  public:
    /// What Connect makes of it.
    struct QueueOptions {
        std::uint16_t id = 0;
        std::uint16_t entries = 0;
        bool flow_control = true;  ///< Of the submission queue: completions tell its head.
        std::shared_ptr<Controller> controller;
    };

    Connection(FileDescriptor socket, Worker& worker);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Result<void> start();
    void onEvents(std::uint32_t events) override;

    Worker& worker() { return worker_; }
    const FileDescriptor& socket() const { return socket_; }
    /// "192.168.0.7:40112"
    std::string peer() const;
    bool headerDigest() const { return rules_.header_digest; }
    bool dataDigest() const { return rules_.data_digest; }
    const std::shared_ptr<Controller>& controller() const { return queue_.controller; }
    std::uint16_t queueId() const { return queue_.id; }
    CommandSet& commands() { return *commands_; }

    // For its command set.
    void becomeQueue(QueueOptions options, std::unique_ptr<CommandSet> commands);
    /// Ends a command: its data, if there are any for the host and it went well, and its completion are sent at the
    /// end of the loop's round at the latest.
    void complete(Command& command, Status status, std::uint64_t result = 0);
    /// Ends a command without a word.
    void drop(Command& command) { release(command); }
    /// Its data need no buffer.
    bool placed(const Command& command) const {
        return (command.place != nullptr || command.file >= 0) && !rules_.data_digest;
    }
    /// Starts `command.request`, whose kind, device and range are set; its end is told to CommandSet::onDevice.
    void submit(Command& command);
    /// Once everything is sent.
    void closeAfterSending();

    // For its worker.
    /// Ends it at once. It is destroyed when no device works for it any more.
    void close();
    bool isOver() const { return state_ == State::Over; }
    /// Sends what has come together. May end it.
    void sendNow();
    /// A buffer for a waiting command is there.
    void resume(Command& command);
    /// Goes on with input that had to wait for a buffer.
    void resume();
    /// Whether it may have more buffers: so many that there is as much for others as it has.
    bool mayTakeTransferBuffer(const Command& command) const;
    bool takeTransferBuffer(Command& command);
    /// Whether nothing has moved for too long, where it is the peer's turn. Asked in every sweep of the worker, which
    /// is what time is measured in: sweeps that did not take place, since this process was held up, do not count.
    bool overdue();
    /// Closes an overdue connection, unless there is more from the peer after all.
    void expire();
    /// It is a queue, whose host has shown all that it has to.
    bool isOpen() const;
    /// In sweeps.
    std::uint32_t age() const { return age_sweeps_; }
    /// Whether a command on that namespace waits for anything but a device: for the peer, or for other peers' buffers.
    bool holds(const Namespace& target);
    /// Its part of its controller's.
    FileHostLoad load();

  private:
    enum class State : std::uint8_t {
        Initializing = 0,  // The first PDU is awaited (ICReq).
        Connecting = 1,    // The Connect command is.
        Serving = 2,       // It is a queue.
        Closing = 3,       // Reads no more; what is queued is sent, a termination request last.
        Draining = 4,      // Discards what still comes, so that the termination request is not lost to a reset.
        Over = 5,          // The socket is closed; devices may still work for it.
    };
    enum class Progress : std::uint8_t { NeedsInput, Stalled, Ended, Gone };

    /// Data under way from the socket.
    struct Incoming {
        bool active = false;
        Command* command = nullptr;  // Whose; null: nobody wants them.
        std::byte* to = nullptr;     // Where the rest goes.
        std::uint32_t left = 0;
        std::uint32_t length = 0;  // Of all of it.
        std::uint32_t digest_left = 0;
        bool digest = false;
        std::array<std::byte, kDigestLength> received_digest;
    };

    bool pump();
    Progress parse();
    bool receive(bool& drained);
    std::size_t receiveRoom() const;
    void park();
    void unpark();
    std::span<const std::byte> staged() const { return {staging_.get() + staged_begin_, staged_end_ - staged_begin_}; }

    Progress startPdu();
    bool headerDigestFits(std::size_t length);
    Progress dispatch(const PduHeader& header, const PduLayout& layout);
    void onInitialize(const PduLayout& layout);
    Progress onCapsule(const PduLayout& layout);
    void onData(const PduHeader& header, const PduLayout& layout);
    Status begin(Command& command, std::uint32_t capsule_bytes);
    void expect(const PduLayout& layout, Command* command, std::byte* to);
    void takeData();
    void endData();
    void proceed(Command& command);
    void askForData(Command& command);
    void execute(Command& command);
    void release(Command& command);
    static void onDevice(io::BlockRequest& request, int error);

    void recordFailure(const Command& command, Status status);
    void compose(Command& command, Status status, std::uint64_t result, bool with_data);
    void terminate(Violation violation);
    bool flush();
    ssize_t sendParts();
    ssize_t sendFile(const OutputQueue::FilePart& part);
    void startDraining();
    bool discard();
    void updateInterest();
    void markUnsent();
    bool peersTurn();
    bool awaitsDataTooLong();
    bool hoards();

    static constexpr std::size_t kMaxParts = 1024;  // IOV_MAX

    FileDescriptor socket_;
    Worker& worker_;
    State state_ = State::Initializing;
    std::uint32_t interest_ = 0;
    bool close_after_sending_ = false;
    bool in_pump_ = false;
    bool unsent_marked_ = false;
    bool stalled_ = false;  // Its input waits for a buffer.

    // Headers, and small data, before they are told apart. Borrowed from the worker while there is something in it;
    // the beginning of a header is kept here until the next wake-up.
    std::unique_ptr<std::byte[]> staging_;
    std::size_t staged_begin_ = 0;
    std::size_t staged_end_ = 0;
    std::array<std::byte, kMaxHeaderBytes> parked_;
    std::size_t parked_bytes_ = 0;

    PduRules rules_;
    std::uint32_t in_capsule_bytes_ = 0;  // Of commands that are no fabrics commands.
    std::uint32_t host_alignment_ = 4;    // HPDA, in bytes.
    QueueOptions queue_;
    std::uint16_t queue_head_ = 0;
    std::unique_ptr<CommandSet> commands_;
    CommandTable table_;
    Incoming incoming_;
    std::uint32_t asked_for_ = 0;  // Commands that await large data.
    std::uint32_t on_device_ = 0;
    std::uint64_t transfer_bytes_ = 0;  // Of buffers, that its commands have.

    OutputQueue output_;
    InitializeConnection greeting_;
    Output greeting_output_;
    std::array<std::byte, sizeof(Terminate) + kMaxTerminateData> farewell_;
    Output farewell_output_;

    std::uint64_t moves_ = 0;         // System calls that moved bytes, either way,
    std::uint64_t moves_seen_ = 0;    // and at the last sweep.
    std::uint32_t quiet_sweeps_ = 0;  // Sweeps since.
    std::uint32_t age_sweeps_ = 0;
    std::uint64_t given_back_ = 0;       // Bytes of buffers,
    std::uint64_t to_give_back_ = 0;     // and how many they should be by then.
    std::uint32_t hoarding_sweeps_ = 0;  // Sweeps since others began to wait for some.
    bool hoards_ = false;
    std::uint64_t discarded_ = 0;
    io::EventLoop::TimerId drain_timer_ = 0;
};

}  // namespace mc::nvme
