#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"

#include "io/event_loop.h"
#include "io/page_receiver.h"
#include "io/socket_address.h"

namespace mc::nvme {

/// How a host connects.
struct HostOptions {
    std::string host_nqn;                    ///< Empty: hostNqn() of this machine.
    std::array<std::uint8_t, 16> host_id{};  ///< Zero: the UUID of the NQN.
    std::string key;                         ///< "DHHC-1:...": proves who we are; empty: none.
    std::string controller_key;              ///< The controller has to prove who it is; empty: need not.
    /// By what a program's user names the keys' files, for hints.
    std::string key_option = "--nvmeof-host-key";
    std::string controller_key_option = "--nvmeof-controller-key";
    bool header_digest = false;
    bool data_digest = false;
    int io_queues = 1;
    std::uint16_t queue_entries = 128;  ///< Of each I/O queue; one fewer are under way; at most 1024.
    std::string congestion = "auto";
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds io_timeout{30000};  ///< A command without an answer ends the connection.
    std::chrono::milliseconds keep_alive{15000};
    std::chrono::milliseconds reconnect_delay{1000};  ///< After a second failure; doubles up to its tenfold.
    std::chrono::milliseconds loss_timeout{600000};   ///< After so long without a connection requests fail; 0: at once.
};

/// A namespace, as its controller describes it.
struct NamespaceInfo {
    std::uint32_t nsid = 0;
    std::uint64_t size = 0;        ///< Bytes.
    std::uint32_t block_size = 0;  ///< Bytes.
    bool read_only = false;
    std::array<std::uint8_t, 8> eui64{};
    std::array<std::uint8_t, 16> nguid{};
    std::array<std::uint8_t, 16> uuid{};

    bool operator==(const NamespaceInfo&) const = default;
};

class HostController;
struct SharedState;

/// An operation on a range of a namespace. Belongs to the controller until `done`.
///
/// A write whose ends are not multiples of the block reads these blocks first and writes them back whole. The bytes
/// around it that other requests write at the same time are not lost: this controller keeps its own writes out of these
/// blocks meanwhile, and the controllers that share its SharedState keep theirs out that change parts of them. Writes
/// of other hosts, and of other processes, it can't keep out: to them it is not atomic.
struct HostRequest {
    enum class Kind : std::uint8_t { Read = 0, Write = 1, Flush = 2 };
    enum class Outcome : std::uint8_t {
        Completed = 0,
        Rejected = 1,  ///< The controller answered with `status`.
        Lost = 2,      ///< The connection was, or the answer did not come; a write may have been applied or not.
        Canceled = 3,
        Replaced =
            4,  ///< Another namespace has its number now; nothing was transferred. Owner::onReplaced has told it.
    };
    Kind kind = Kind::Read;
    Outcome outcome = Outcome::Completed;
    std::uint16_t status = 0;  ///< NVME_SC_*, type included.
    bool may_retry = false;    ///< Of a Rejected one: the controller does not say "do not retry".
    std::uint32_t nsid = 0;
    std::uint64_t offset = 0;  ///< Bytes; need not be multiples of the block: a write then reads the block first.
    std::uint64_t length = 0;
    std::byte* data = nullptr;
    /// Of a read that has ended as Completed, all is in these instead, or nothing. Else they hold what nobody wants.
    io::PageReceiver* pages = nullptr;
    /// Called by the loop's thread, never from within submit; nothing touches `data` any more. May submit further
    /// requests.
    void (*done)(HostRequest& request) = nullptr;
    void* context = nullptr;

    // The controller's own:
    HostRequest* next = nullptr;
    HostController* controller = nullptr;
    std::uint64_t issued = 0;       ///< Bytes that commands were made for.
    std::uint32_t outstanding = 0;  ///< Commands without an answer.
    bool part = false;              ///< Of another request.
    bool asked_again = false;       ///< The namespaces were read for its sake.
};

/// A connection to one remote NVMe/TCP controller: admin queue and I/O queues, all in one event loop and used by its
/// thread alone. Reconnects by itself.
class HostController {
  public:
    HostController() = default;
    HostController(const HostController&) = delete;
    HostController& operator=(const HostController&) = delete;

    enum class State : std::uint8_t {
        Connecting = 0,
        Ready = 1,
        Reconnecting = 2,  ///< Requests wait.
        Gone = 3,          ///< Given up: requests fail.
    };
    /// Told about changes, from within the loop. May not destroy the controller in the call.
    class Owner {
      public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual ~Owner() = default;
        /// Ready again: namespaces() are those of now. Gone or Reconnecting: `cause`; requests end after this.
        virtual void onState(State state, const Error* cause) = 0;
        /// The controller told that namespaces have come or gone; they were read again.
        virtual void onNamespaces() = 0;
        /// A namespace is not the one that it was at the first connection, after Ready or while that lasts; requests to
        /// it end as Replaced. `error` names both.
        virtual void onReplaced(const Error& error) = 0;
    };

    /// Connects to the first of the addresses that answers. Where none does, the controller is Gone; once it was Ready
    /// it reconnects by itself, unless it is refused for good. `shared`: with others of the same
    /// subsystem; null: with nobody.
    static std::unique_ptr<HostController> start(io::EventLoop& loop, Owner& owner,
                                                 std::vector<io::SocketAddress> addresses, std::string subsystem_nqn,
                                                 const HostOptions& options,
                                                 std::shared_ptr<SharedState> shared = nullptr);
    virtual ~HostController() = default;  ///< All requests have ended: cancel().

    virtual State state() const = 0;
    virtual const std::vector<NamespaceInfo>& namespaces() const = 0;
    /// Of its connections, as the kernel says; empty while there are none.
    virtual std::string congestionControl() const = 0;
    /// For a namespace that is not known, or is too small, the namespaces are read again before the request is
    /// Rejected.
    virtual void submit(HostRequest& request) = 0;
    /// Sends what was submitted, in as few system calls as possible.
    virtual void flush() = 0;
    /// Ends the connections, as if they were lost: what is under way ends as Lost, what waits goes on waiting.
    virtual void drop(const Error& cause) = 0;
    /// Ends all requests as Canceled, and the connections. Not from within a callback.
    virtual void cancel() = 0;
};

/// Whether a connection that ended, or did not come about, for that reason is refused for good: trying again is of no
/// use until somebody changes what one side is told.
bool isRefusal(const Error& cause);

/// "nqn.2014-08.org.nvmexpress:uuid:..." of /etc/nvme/hostnqn, or one made of this machine's id.
Result<std::string> hostNqn();

}  // namespace mc::nvme
