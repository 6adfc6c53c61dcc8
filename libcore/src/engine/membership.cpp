#include "engine/membership.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "base/errors.h"
#include "base/log.h"
#include "engine/engine_options.h"
#include "engine/name_claim.h"
#include "io/socket.h"
#include "metadata/handshake_client.h"
#include "metadata/handshake_messages.h"
#include "metadata/rpc_meta.h"

namespace mc {

using metadata::MessageType;

namespace {

metadata::HandshakeCallOptions callOptions(const EngineOptions& options, int interrupt) {
    return {.connect_timeout = options.handshake_connect_timeout,
            .reply_timeout = options.handshake_reply_timeout,
            .max_message_length = options.handshake_max_length,
            .interrupt = interrupt};
}

std::unexpected<Error> replaced(const std::string& key) {
    return fail(ErrorCode::AlreadyExists, fmt::format("{}: another engine has replaced it", key),
                "give each engine a name of its own");
}

}  // namespace

Membership::Membership(std::shared_ptr<metadata::Store> store, const EngineOptions& options, Callbacks callbacks)
    : store_(std::move(store)),
      options_(options),
      callbacks_(std::move(callbacks)),
      keys_(options.metadata_cluster_id) {}

Result<std::unique_ptr<Membership>> Membership::join(std::shared_ptr<metadata::Store> store,
                                                     const std::string& server_name,
                                                     const std::string& connectable_name, std::uint16_t rpc_port,
                                                     const EngineOptions& options, Callbacks callbacks) {
    std::unique_ptr<Membership> member(new Membership(std::move(store), options, std::move(callbacks)));
    auto listener = member->bind(server_name, connectable_name, rpc_port);
    if (!listener) return std::unexpected(listener.error());
    // Without a store the name is the address at which the owner is asked.
    member->name_ = member->store_ ? server_name : formatHostPort(member->advertised_host_, member->rpc_port_);
    if (auto answering = member->answer(std::move(*listener)); !answering) return std::unexpected(answering.error());
    if (member->store_) {
        const metadata::RpcMeta location{member->advertised_host_, member->rpc_port_};
        const std::string key = member->keys_.rpcMeta(member->name_);
        const std::string value = metadata::encodeRpcMeta(location);
        auto version =
            claimName({.store = *member->store_,
                       .keys = member->keys_,
                       .options = options,
                       .name = member->name_,
                       .location = location,
                       .bound = member->bound_,
                       .on_failed_put = [&](const Error& error) { member->rememberAttempt(key, value, error); }});
        if (!version) return std::unexpected(wrap(fmt::format("publish {}", member->name_), version.error()));
        member->published_[key] = {value, std::move(*version), {}};
    }
    return member;
}

Membership::~Membership() {
    withdrawOthers({});
}

void Membership::withdrawOthers(const std::set<std::string>& kept) {
    const Deadline deadline = storeDeadline(options_);  // Of all of them: the store may be gone.
    std::erase_if(published_, [&](const auto& entry) {
        const auto& [key, last] = entry;
        if (kept.contains(key)) return false;
        const auto removed = withdraw(key, settled(key, last, deadline), deadline);
        if (!removed) log::warning("withdraw {}: {}", key, removed.error().message);
        return true;
    });
}

// What somebody else has put there since, or removed, is not ours any more.
Result<void> Membership::withdraw(const std::string& key, const Published& last, Deadline deadline) {
    const auto ended = [](const Result<void>& removed) -> Result<void> {
        const bool not_ours = !removed && (removed.error().code == ErrorCode::Busy ||  //
                                           removed.error().code == ErrorCode::NotFound);
        return not_ours ? Result<void>{} : removed;
    };
    if (!last.version.empty()) {
        auto removed = store_->remove(key, metadata::Precondition::atVersion(last.version), deadline);
        if (removed || removed.error().code != ErrorCode::Unsupported) return ended(removed);
    }
    const auto found = store_->get(key, deadline);
    if (!found) return ended(std::unexpected(found.error()));
    if (!last.isOurs(*found)) return {};
    return ended(store_->remove(key, metadata::Precondition::any(), deadline));
}

Result<std::vector<std::string>> Membership::missing() const {
    std::vector<std::string> keys;
    for (const PublishedKey& key : checkPublished()) {
        switch (key.state) {
            case PublishedKey::State::Ours:
                break;
            case PublishedKey::State::Missing:
                keys.push_back(key.key);
                break;
            case PublishedKey::State::Replaced:
                return replaced(key.key);
            case PublishedKey::State::Unknown:
                return fail(ErrorCode::Unavailable, key.problem);
        }
    }
    return keys;
}

std::vector<PublishedKey> Membership::checkPublished() const {
    std::map<std::string, Published> published;
    {
        const std::lock_guard lock(published_mutex_);
        published = published_;
    }
    std::vector<PublishedKey> checked;
    const Deadline deadline = storeDeadline(options_);
    for (const auto& [key, last] : published) {
        const auto found = store_->get(key, deadline);
        PublishedKey& entry = checked.emplace_back(PublishedKey{.key = key});
        if (found) {
            entry.state = last.isOurs(*found) ? PublishedKey::State::Ours : PublishedKey::State::Replaced;
        } else if (found.error().code == ErrorCode::NotFound) {
            entry.state = PublishedKey::State::Missing;
        } else {
            entry.problem = found.error().message;
        }
    }
    return checked;
}

// The host that was named is the one that is bound and advertised; nothing is guessed.
Result<FileDescriptor> Membership::bind(const std::string& server_name, const std::string& connectable_name,
                                        std::uint16_t rpc_port) {
    auto named = parseHostPort(server_name);
    if (!named) return std::unexpected(wrap("server name", named.error()));
    const std::string host = !options_.bind_address.empty() ? options_.bind_address
                             : !connectable_name.empty()    ? connectable_name
                                                            : named->host;
    advertised_host_ = options_.advertise_address.empty() ? host : options_.advertise_address;
    const std::uint16_t port = rpc_port != 0 ? rpc_port : named->port.value_or(0);
    auto addresses = io::resolve(host, port, options_.use_ipv6 ? io::AddressFamily::V6 : io::AddressFamily::Any);
    if (!addresses) return std::unexpected(wrap("server name", addresses.error()));
    bound_ = addresses->front();
    auto listener = port != 0 ? io::listenOn(bound_, options_.handshake_listen_backlog, "--local-server-name")
                              : io::listenInRange(bound_, options_.port_range, options_.handshake_listen_backlog);
    if (!listener) return listener;
    bound_ = io::localAddress(*listener);
    rpc_port_ = bound_.port();
    return listener;
}

Result<void> Membership::answer(FileDescriptor listener) {
    std::vector<FileDescriptor> listeners;
    listeners.push_back(std::move(listener));
    auto daemon =
        metadata::HandshakeDaemon::start(std::move(listeners), {.max_message_length = options_.handshake_max_length});
    if (!daemon) return std::unexpected(daemon.error());
    daemon_ = std::move(*daemon);
    // As a stock engine without an rdma transport answers: an empty message.
    daemon_->setHandler(MessageType::Connection, [](std::string_view json) -> Result<std::string> {
        if (const auto request = metadata::decodeConnectionMessage(json); !request)
            return std::unexpected(request.error());
        return metadata::encodeConnectionMessage({});
    });
    daemon_->setHandler(MessageType::Probe,
                        [](std::string_view) -> Result<std::string> { return std::string(metadata::kProbeReply); });
    daemon_->setHandler(MessageType::Notify, [this](std::string_view json) -> Result<std::string> {
        auto message = metadata::decodeNotifyMessage(json);
        if (!message) return std::unexpected(message.error());
        const bool taken = callbacks_.on_notification({std::move(message->name), std::move(message->notify_msg)});
        return metadata::encodeNotifyMessage({.name = {}, .notify_msg = taken ? "success" : ""});
    });
    if (!store_) {
        daemon_->setHandler(MessageType::Metadata, [this](std::string_view) -> Result<std::string> {
            const SegmentDescriptor descriptor = callbacks_.describe();
            return descriptor.protocols.empty() ? std::string("null") : encodeSegmentDescriptor(descriptor);
        });
    }
    return {};
}

Result<void> Membership::publishKey(const std::string& key, const std::string& value) {
    const std::lock_guard lock(published_mutex_);
    const auto last = published_.find(key);
    auto version = last == published_.end() || last->second.version.empty()
                       ? store_->put(key, value, metadata::Precondition::any(), storeDeadline(options_))
                       : putAgain(key, value, last->second);
    if (!version) {
        rememberAttempt(key, value, version.error());
        return std::unexpected(version.error());
    }
    published_[key] = {value, std::move(*version), {}};
    return {};
}

// A put may be done although its reply got lost, and even after its caller has given up.
void Membership::rememberAttempt(const std::string& key, const std::string& value, const Error& failure) {
    const bool may_be_done = failure.code == ErrorCode::TimedOut || failure.code == ErrorCode::Unavailable ||
                             failure.code == ErrorCode::Io || failure.code == ErrorCode::Protocol;
    if (may_be_done) published_[key].may_be_there.insert(value);
}

// What our last put left there, once the store has been asked about those of which nobody said what they did.
Membership::Published Membership::settled(const std::string& key, const Published& last, Deadline deadline) const {
    if (last.may_be_there.empty()) return last;
    const auto found = store_->get(key, deadline);
    return found && last.isOurs(*found) ? Published{found->value, found->version, {}} : last;
}

Result<std::string> Membership::putAgain(const std::string& key, const std::string& value, const Published& last) {
    const Deadline deadline = storeDeadline(options_);
    const Published there = settled(key, last, deadline);
    auto version = store_->put(key, value, metadata::Precondition::atVersion(there.version), deadline);
    if (version) return version;
    // The server was replaced by one that knows no conditions.
    if (version.error().code == ErrorCode::Unsupported)
        return store_->put(key, value, metadata::Precondition::any(), deadline);
    if (version.error().code != ErrorCode::Busy) return version;
    // Gone, as all keys of a server that keeps them in memory are when it restarts; or somebody else's.
    version = store_->put(key, value, metadata::Precondition::absent(), deadline);
    if (version || version.error().code != ErrorCode::AlreadyExists) return version;
    return replaced(key);
}

Result<void> Membership::publishAddress(std::span<const std::string> missing) {
    const std::string key = keys_.rpcMeta(name_);
    if (std::ranges::find(missing, key) == missing.end()) return {};
    return publishKey(key, metadata::encodeRpcMeta({advertised_host_, rpc_port_}));
}

Result<void> Membership::publish(std::span<const SegmentDescriptor> descriptors) {
    if (!store_) return {};
    std::set<std::string> current{keys_.rpcMeta(name_)};
    for (const SegmentDescriptor& descriptor : descriptors) {
        const auto key = keys_.segment(descriptor.name);
        if (!key) return std::unexpected(key.error());
        if (auto put = publishKey(*key, encodeSegmentDescriptor(descriptor)); !put)
            return std::unexpected(wrap(fmt::format("publish {}", descriptor.name), put.error()));
        current.insert(*key);
        // Peers look the owner up under the segment's own name.
        if (descriptor.name == name_) continue;
        const std::string address = keys_.rpcMeta(descriptor.name);
        if (auto put = publishKey(address, metadata::encodeRpcMeta({advertised_host_, rpc_port_})); !put)
            return std::unexpected(wrap(fmt::format("publish {}", descriptor.name), put.error()));
        current.insert(address);
    }
    const std::lock_guard lock(published_mutex_);
    withdrawOthers(current);
    return {};
}

Result<FoundSegment> Membership::find(const std::string& segment_name) const {
    auto found = store_ ? findInStore(segment_name) : askOwner(segment_name);
    if (!found) return std::unexpected(wrap(fmt::format("segment {}", segment_name), found.error()));
    return found;
}

Result<FoundSegment> Membership::findInStore(const std::string& segment_name) const {
    const auto key = keys_.segment(segment_name);
    if (!key) return std::unexpected(key.error());
    const auto value = store_->get(*key, storeDeadline(options_));
    if (!value) return std::unexpected(value.error());
    auto descriptor = decodeSegmentDescriptor(value->value);
    if (!descriptor) return std::unexpected(descriptor.error());
    // The owner is looked up under the descriptor's name, which need not be the segment's.
    const auto location = store_->get(keys_.rpcMeta(descriptor->name), storeDeadline(options_));
    // Files say themselves where they are; a segment of them need not have an owner that answers.
    const bool has_owner = location || location.error().code != ErrorCode::NotFound;
    if (!has_owner && (descriptor->nvme_trid || !descriptor->legacy_files.empty()))
        return FoundSegment{std::move(*descriptor), {}, 0};
    if (!location) return std::unexpected(location.error());
    auto meta = metadata::decodeRpcMeta(location->value);
    if (!meta) return std::unexpected(meta.error());
    return FoundSegment{std::move(*descriptor), std::move(meta->ip_or_host_name), meta->rpc_port};
}

Result<FoundSegment> Membership::askOwner(const std::string& segment_name) const {
    auto owner = parseHostPort(segment_name);
    if (!owner) return std::unexpected(owner.error());
    const std::uint16_t port = owner->port.value_or(options_.default_handshake_port);
    const SegmentDescriptor own = callbacks_.describe();
    const auto reply = metadata::callHandshake(owner->host, port, MessageType::Metadata,
                                               own.protocols.empty() ? "null" : encodeSegmentDescriptor(own),
                                               callOptions(options_, callbacks_.interrupt));
    if (!reply) return std::unexpected(reply.error());
    if (*reply == "null" || *reply == "null\n") {
        return fail(ErrorCode::NotFound, "its owner answers but serves nothing (or publishes in a metadata store)",
                    "give the initiator the metadata server that the owner uses");
    }
    auto descriptor = decodeSegmentDescriptor(*reply);
    if (!descriptor) return std::unexpected(descriptor.error());
    return FoundSegment{std::move(*descriptor), std::move(owner->host), port};
}

Result<void> Membership::notify(const std::string& host, std::uint16_t port, const Notification& notification) const {
    const auto reply = metadata::callHandshake(host, port, MessageType::Notify,
                                               metadata::encodeNotifyMessage({notification.name, notification.message}),
                                               callOptions(options_, callbacks_.interrupt));
    if (!reply) return std::unexpected(reply.error());
    const auto message = metadata::decodeNotifyMessage(*reply);
    if (!message) return std::unexpected(message.error());
    if (message->notify_msg.empty())
        return fail(ErrorCode::Busy, fmt::format("notify {}: refused", formatHostPort(host, port)));
    return {};
}

}  // namespace mc
