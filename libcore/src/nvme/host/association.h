#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"

#include "io/event_loop.h"
#include "nvme/host/admin_channel.h"
#include "nvme/host/authenticator.h"
#include "nvme/host/controller.h"
#include "nvme/host/namespace_reader.h"
#include "nvme/host/queue.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme::host {

/// Where an association goes and what it is for.
struct AssociationSetup {
    io::SocketAddress address;
    std::string subsystem_nqn;
    HostOptions options;     ///< With `host_nqn` and `host_id`.
    bool discovery = false;  ///< No I/O queues, no namespaces.
};

/// What a host and a controller have in common from the first connection until one is lost: the admin queue, the I/O
/// queues, and what the controller said about itself.
class Association final : Queue::Owner {
  public:
    enum class State : std::uint8_t {
        Connecting = 0,   // The admin queue's connection and its Connect.
        Enabling = 1,     // Capabilities are read, the controller is enabled and gets ready.
        Configuring = 2,  // It tells what it is and how many queues it grants.
        Opening = 3,      // The I/O queues' connections and Connects.
        Listing = 4,      // Its namespaces are read.
        Live = 5,
        Ended = 6,
    };
    /// Told about changes. May not destroy the association in the call.
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        virtual void onLive(Association& association) = 0;
        /// Its connections are closed; its I/O commands are still in it: endAll.
        virtual void onEnded(Association& association, const Error& error) = 0;
        /// A reading of namespaces is through.
        virtual void onNamespaces(Association& association) = 0;
        /// Commands may have ended.
        virtual void onServed(Association& association) = 0;
    };

    static Result<std::unique_ptr<Association>> start(io::EventLoop& loop, Owner& owner, AssociationSetup setup);
    ~Association() override;
    Association(const Association&) = delete;
    Association& operator=(const Association&) = delete;

    State state() const { return state_; }
    /// While it is Live: an I/O queue with room, or none.
    Queue* queueWithRoom();
    const std::vector<std::unique_ptr<Queue>>& queues() const { return queues_; }
    /// Sends what was submitted to the queues.
    void flush();
    std::uint32_t maxTransferBytes() const { return max_transfer_bytes_; }
    const std::vector<NamespaceInfo>& namespaces() const { return reader_->namespaces(); }
    void readNamespaces() { reader_->read(); }
    bool readingNamespaces() const { return reader_->reading(); }
    AdminChannel& admin() { return *admin_; }

    /// Ends it, as if the connection was lost.
    void end(const Error& error);
    /// Every I/O command ends as lost. The association has ended.
    void endAll();

  private:
    Association(io::EventLoop& loop, Owner& owner, AssociationSetup setup);

    void onOpen(Queue& queue) override;
    void onClosed(Queue& queue, const Error& error) override;
    void onServed(Queue& queue) override;

    void connectQueue(Queue& queue, std::uint16_t number);
    void onConnected(Queue& queue, std::uint16_t number, const CompletionEntry& answer);
    void authenticate(Queue& queue, std::uint16_t number);
    void onAdmitted(Queue& queue, std::uint16_t number);
    AdminChannel& channelOf(std::uint16_t number) { return number == 0 ? *admin_ : *channels_[number - 1U]; }
    void readCapabilities();
    void enable();
    void waitReady();
    void describe();
    void onDescribed();
    void configureQueues();
    void configureEvents();
    void openQueues(std::uint32_t count);
    void becomeLive();

    void requestEvent();
    void onEvent(const CompletionEntry& answer);
    void keepAlive();
    void keepAliveLater();
    void armTick();
    void tick();

    io::EventLoop& loop_;
    Owner& owner_;
    const AssociationSetup setup_;
    const std::string place_;  // For messages.
    State state_ = State::Connecting;
    std::unique_ptr<Queue> admin_queue_;
    std::unique_ptr<AdminChannel> admin_;
    std::unique_ptr<NamespaceReader> reader_;
    std::vector<std::unique_ptr<Queue>> queues_;
    std::vector<std::unique_ptr<AdminChannel>> channels_;  // Of the I/O queues, for their Connect.
    std::vector<std::unique_ptr<Authenticator>> authenticators_;
    std::size_t next_queue_ = 0;
    std::size_t connected_queues_ = 0;

    ConnectData connect_data_;
    std::uint64_t capabilities_ = 0;
    std::vector<std::byte> page_ = std::vector<std::byte>(4096);
    std::uint32_t max_transfer_bytes_ = 0;
    std::uint32_t in_capsule_bytes_ = 0;
    std::uint32_t event_kinds_ = 0;

    io::EventLoop::TimerId tick_timer_ = 0;
    io::EventLoop::TimerId keep_alive_timer_ = 0;
    io::EventLoop::TimerId ready_timer_ = 0;
    std::uint32_t ticks_left_ = 0;  // Until the association has to be live.
};

}  // namespace mc::nvme::host
