#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "metadata/handshake_client.h"
#include "metadata/inventory.h"
#include "metadata/keys.h"
#include "metadata/owner_probe.h"

namespace mc::metadata {

/// What asking about one segment has shown.
struct SegmentLook {
    std::optional<OwnerProbe> owner;  ///< Nothing where there is nobody to ask.
    std::string data_port_problem;    ///< Why a live owner's data port can't be connected to; empty if it can.
};

struct LookOptions {
    HandshakeCallOptions call;
    bool loopback_is_here = true;  ///< An owner at a loopback address is on this machine; else it is not asked.
};

/// Asks every owner, and connects to the data ports of those that live; a look for each segment.
std::vector<SegmentLook> lookAtAll(const Inventory& inventory, const LookOptions& options, const std::stop_token& stop);

/// A command that mends something.
struct Remedy {
    enum class Kind {
        Gc,        ///< Collect the segment `object`.
        GcSilent,  ///< The same, with silence counting as death.
        Remove,    ///< Remove the key `object` at `version`, if the store has versions.
    };
    Kind kind = Kind::Remove;
    std::string object;
    std::string version;
};

struct Finding {
    enum class Kind {
        BadDescriptor,     ///< Its value can't be read.
        BadRpcMeta,        ///< The same of rpc_meta.
        DeadOwner,         ///< Nobody listens where the owner should be.
        SilentOwner,       ///< No answer in time.
        UnreachableOwner,  ///< Can't be asked from here.
        NoDescriptor,      ///< A live owner that serves nothing that can be found.
        NoRpcMeta,         ///< Memory whose owner can't be found.
        WrongName,         ///< The descriptor names somebody else, who is not there.
        DeadDataPort,      ///< The owner answers, its data port does not.
        BadBuffers,        ///< See bufferProblems().
        SharedAddress,     ///< Several say that they are at one address.
        SharedDataPort,
    };
    Kind kind = Kind::BadDescriptor;
    std::string segment;
    std::vector<std::string> keys;
    std::string cause;
    std::vector<Remedy> remedies;  ///< Empty where no command mends it.
    std::string advice;            ///< What to do besides, or instead; a sentence without a full stop.
};

/// "bad_descriptor", "bad_rpc_meta", ...
const char* toString(Finding::Kind kind);

/// What is wrong with the segments, in the order of their names, and then with their addresses. `looks` has one for
/// each segment, or is empty where nobody was asked.
std::vector<Finding> findProblems(const Inventory& inventory, const KeyNames& keys,
                                  const std::vector<SegmentLook>& looks);

}  // namespace mc::metadata
