#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"

namespace mc::metadata {

/// What must hold for a put or remove to happen.
struct Precondition {
    enum class Kind {
        Any,      ///< Nothing.
        Absent,   ///< The key does not exist; only for put.
        Version,  ///< The key exists, and `version` is its current one.
    };
    Kind kind = Kind::Any;
    std::string version;

    static Precondition any() { return {}; }
    static Precondition absent() { return {Kind::Absent, {}}; }
    static Precondition atVersion(std::string version) { return {Kind::Version, std::move(version)}; }
};

/// A value and the version that its last put gave it: opaque, never used twice for one key, empty where the store has
/// no versions. Redis has none either; there it is made of the content, so that a value that came back has the version
/// that it had.
struct VersionedValue {
    std::string value;
    std::string version;
};

/// That a key is still as it was read; nothing where the store has no versions.
inline Precondition unchanged(const VersionedValue& read) {
    return read.version.empty() ? Precondition::any() : Precondition::atVersion(read.version);
}

struct Item {
    std::string key;
    std::string value;
    std::string version;
};

/// A part of a listing, in the order of keys.
struct Page {
    std::vector<Item> items;
    std::string continuation;  ///< Asks for the next page; empty after the last one.
};

/// A change of one key.
struct Event {
    enum class Kind { Put, Remove };
    Kind kind = Kind::Put;
    Item item;  ///< Of a removal: the key only.
};

/// The changes below a prefix since it was made, in the store's order. Outlives its store.
class Watch {
  public:
    Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    virtual ~Watch() = default;

    /// Waits for the next change; nothing after cancel(). TimedOut at the deadline, after which it may be called
    /// again. Every other error ends the watch: Unavailable if the store is gone, Io if changes came faster than they
    /// were taken and some are lost; list again, then watch again. One thread at a time.
    virtual Result<std::optional<Event>> next(Deadline deadline) = 0;
    /// Ends a waiting next() and all later ones. From any thread.
    virtual void cancel() = 0;
};

/// Keys and values that the members of a cluster share. All members may be called from any thread.
///
/// A call that has not ended by its deadline is TimedOut; what a change then did is unknown. Unavailable: the store
/// can't be reached. Unsupported: this kind of store can't do that (a stock HTTP server has no list, no precondition).
/// InvalidArgument: an empty key, or a parameter outside of what is said here.
class Store {
  public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    /// NotFound if the key is absent.
    virtual Result<VersionedValue> get(std::string_view key, Deadline deadline) = 0;

    /// Writes `value` and returns its version. AlreadyExists where `absent` was asked for; Busy where the key has
    /// another version by now, or is gone.
    virtual Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                                    Deadline deadline) = 0;

    /// NotFound if the key is absent, as far as the store tells; Busy where it has another version by now, or is gone.
    virtual Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) = 0;

    /// At most `limit` items (at least 1) whose keys begin with `prefix`, from the start or from where the page with
    /// this `continuation` ended. Pages are not one snapshot: a key that exists all the time is listed exactly once.
    virtual Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                              Deadline deadline) = 0;

    /// Sees every change below `prefix` that happens after this call has returned; the deadline is that of the call.
    virtual Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) = 0;
};

}  // namespace mc::metadata
