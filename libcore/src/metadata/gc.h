#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "metadata/inventory.h"
#include "metadata/keys.h"
#include "metadata/owner_probe.h"
#include "metadata/store.h"

namespace mc::metadata {

/// Which segments may be removed.
struct GcRules {
    bool silent_is_dead = false;   ///< So is an owner that does not answer in time.
    bool loopback_is_here = true;  ///< An owner at a loopback address is on this machine, and can be asked.
    std::optional<std::chrono::seconds> older_than;  ///< By the descriptor's timestamp; without one it is not older.
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

/// A segment, what its owner said, and what becomes of it.
struct GcCandidate {
    enum class Fate {
        Condemned,  ///< As far as is known now, its owner is dead.
        Removed,
        Spared,  ///< Stays, or has been put back; `why` says for what reason.
        Failed,  ///< The store has not done what it should.
    };
    std::string name;
    std::optional<RpcMeta> owner;
    std::string timestamp;
    std::vector<OwnerProbe> probes;
    std::optional<Item> descriptor;  ///< As they were read between the first two probes.
    std::optional<Item> rpc_meta;
    Fate fate = Fate::Condemned;
    std::string why;
    bool descriptor_removed = false;
    bool rpc_meta_removed = false;

    bool condemned() const { return fate == Fate::Condemned; }
};

/// "planned", "removed", ...
const char* toString(GcCandidate::Fate fate);

/// Removes the keys of segments whose owners are dead, and nothing else:
///
///     suspects(), probe(), read(), a pause, probe(), and what is still condemned is the plan; remove().
///
/// What is published between read() and remove() has another version and stays. Where versions are made of the content,
/// an owner that publishes the same again is not seen by that: there owners are asked again between the removal of
/// descriptor and rpc_meta, and once more afterwards, and whoever answers gets his keys back. (Which have the versions
/// that he knows then; in other stores they would not.)
class GarbageCollector {
  public:
    using Candidates = std::vector<GcCandidate>;
    /// Asks owners, and returns what each said.
    using Ask = std::function<std::vector<OwnerProbe>(const std::vector<RpcMeta>&)>;

    /// The store and the keys outlive it.
    GarbageCollector(Store& store, const KeyNames& keys, GcRules rules, Ask ask)
        : store_(store), keys_(keys), rules_(rules), ask_(std::move(ask)) {}

    /// Spares what has no owner to ask, or is not old enough.
    Candidates suspects(const std::vector<SegmentSummary>& segments) const;

    /// Asks the owners of all that are condemned, and spares what may live.
    void probe(Candidates& candidates) const;

    /// Takes keys and values of all that are condemned, and spares what has been published anew.
    Result<void> read(Candidates& candidates, Deadline deadline, const std::stop_token& stop) const;

    /// Asks the owners of all that are condemned once more, and removes what they have published. `pause` lets an
    /// owner that has just begun to publish get so far that it answers; it may not be called. If it is stopped,
    /// descriptors without their rpc_meta are put back. After an error of the store, half of a segment may be gone.
    Result<void> remove(Candidates& candidates, const std::function<void()>& pause, Deadline deadline,
                        const std::stop_token& stop) const;

  private:
    std::string reasonToSpare(const SegmentSummary& segment) const;
    std::string reasonToSpare(const GcCandidate& candidate, const VersionedValue& descriptor) const;
    bool isOldEnough(const std::string& timestamp) const;
    Result<void> readOne(GcCandidate& candidate, Deadline deadline) const;
    Result<void> removeDescriptors(Candidates& candidates, Deadline deadline, const std::stop_token& stop) const;
    Result<void> removeRpcMetas(Candidates& candidates, Deadline deadline, const std::stop_token& stop) const;
    Result<bool> removeUnchanged(const Item& item, Deadline deadline) const;
    /// The candidates that were asked, each with its new probe.
    std::vector<GcCandidate*> ask(Candidates& candidates, const std::function<bool(const GcCandidate&)>& whom) const;
    void lookAgain(Candidates& candidates, const std::function<void()>& pause) const;
    void putBack(GcCandidate& candidate) const;

    Store& store_;
    const KeyNames& keys_;
    GcRules rules_;
    Ask ask_;
};

/// Whether the store has no conditions, so that a value may be published anew at the moment in which it is removed.
bool isUnguarded(const GarbageCollector::Candidates& candidates);

/// The dump of all that is condemned: restore brings it back.
std::string undoDump(const GarbageCollector::Candidates& candidates, std::string_view prefix);

}  // namespace mc::metadata
