#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/engine.h"
#include "mc/engine_options.h"
#include "mc/segment.h"

#include "io/socket_address.h"
#include "metadata/handshake_daemon.h"
#include "metadata/keys.h"
#include "metadata/store.h"

namespace mc {

/// A segment that was looked up, and where its owner is.
struct FoundSegment {
    SegmentDescriptor descriptor;
    std::string host;
    std::uint16_t rpc_port = 0;
};

/// An engine's place in its cluster: its name, its handshake daemon, what it publishes, and how it finds others: in a
/// metadata store, or, without one (P2PHANDSHAKE), by asking the owner itself. From any thread.
class Membership {
  public:
    struct Callbacks {
        std::function<SegmentDescriptor()> describe;        ///< The segment that peers get by handshake.
        std::function<bool(Notification)> on_notification;  ///< False: no room.
        int interrupt = -1;  ///< A descriptor; once readable, no handshake is waited for any more.
    };

    /// Binds first, answers next, publishes last.
    static Result<std::unique_ptr<Membership>> join(std::shared_ptr<metadata::Store> store,
                                                    const std::string& server_name, const std::string& connectable_name,
                                                    std::uint16_t rpc_port, const EngineOptions& options,
                                                    Callbacks callbacks);
    /// Withdraws what it published, unless somebody else has replaced it.
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    const std::string& name() const { return name_; }
    /// It was claimed in a metadata store; else it is an address, of which the port may have been drawn.
    bool hasClaimedName() const { return store_ != nullptr; }
    const std::string& advertisedHost() const { return advertised_host_; }
    std::uint16_t rpcPort() const { return rpc_port_; }
    /// The address that was bound; data ports go there, too.
    const io::SocketAddress& boundAddress() const { return bound_; }

    /// Puts the descriptors into the store under their names and withdraws earlier ones that are not among them;
    /// nothing to do without a store.
    Result<void> publish(std::span<const SegmentDescriptor> descriptors);
    /// The keys of that which are missing in the store. AlreadyExists, naming it, if somebody else has replaced one.
    Result<std::vector<std::string>> missing() const;
    /// Puts this engine's address back if it is among them.
    Result<void> publishAddress(std::span<const std::string> missing);
    /// Asks the store what became of that.
    std::vector<PublishedKey> checkPublished() const;
    Result<FoundSegment> find(const std::string& segment_name) const;
    Result<void> notify(const std::string& host, std::uint16_t port, const Notification& notification) const;

  private:
    Membership(std::shared_ptr<metadata::Store> store, const EngineOptions& options, Callbacks callbacks);
    Result<FileDescriptor> bind(const std::string& server_name, const std::string& connectable_name,
                                std::uint16_t rpc_port);
    Result<void> answer(FileDescriptor listener);
    /// A key as our last put left it, as far as we know.
    struct Published {
        std::string value;
        std::string version;                 // Empty where the store has none.
        std::set<std::string> may_be_there;  // Values of puts since, of which nobody said what they did.

        bool isOurs(const metadata::VersionedValue& found) const {
            const bool as_left = version.empty() ? found.value == value : found.version == version;
            return as_left || may_be_there.contains(found.value);
        }
    };

    Result<void> publishKey(const std::string& key, const std::string& value);
    void rememberAttempt(const std::string& key, const std::string& value, const Error& failure);
    Published settled(const std::string& key, const Published& last, Deadline deadline) const;
    Result<std::string> putAgain(const std::string& key, const std::string& value, const Published& last);
    Result<void> withdraw(const std::string& key, const Published& last, Deadline deadline);
    void withdrawOthers(const std::set<std::string>& kept);
    Result<FoundSegment> findInStore(const std::string& segment_name) const;
    Result<FoundSegment> askOwner(const std::string& segment_name) const;

    std::shared_ptr<metadata::Store> store_;  // Null: P2PHANDSHAKE.
    const EngineOptions& options_;
    Callbacks callbacks_;
    metadata::KeyNames keys_;
    std::string name_;
    std::string advertised_host_;
    std::uint16_t rpc_port_ = 0;
    io::SocketAddress bound_;
    mutable std::mutex published_mutex_;
    std::map<std::string, Published> published_;
    std::unique_ptr<metadata::HandshakeDaemon> daemon_;
};

}  // namespace mc
