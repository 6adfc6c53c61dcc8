#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mc/engine.h"
#include "mc/error.h"
#include "mc/segment.h"

#include "transport/completion.h"
#include "transport/slice.h"

namespace mc {

/// A remote segment as one transport reaches it: addresses, connections, keys. Made by Transport::connect.
class Peer {
  public:
    Peer() = default;
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    virtual ~Peer() = default;
};

/// How a transport wants requests cut.
struct TransportCapabilities {
    std::uint64_t max_slice_length = std::numeric_limits<std::uint64_t>::max();
    bool flushes = false;  ///< Takes Opcode::Flush.
};

/// Moves slices between local memory and peers. A transport knows nothing of the engine above it.
class Transport {
  public:
    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    /// All slices have ended before.
    virtual ~Transport() = default;

    virtual std::string_view protocol() const = 0;
    /// False for one that is an initiator only; it never changes.
    virtual bool canServe() const { return true; }
    virtual TransportCapabilities capabilities() const = 0;
    virtual TransportCounters counters() const = 0;

    virtual Result<void> registerMemory(void* addr, std::size_t length, std::string_view location,
                                        bool remote_accessible) = 0;
    /// Returns when no peer can reach the range any more.
    virtual Result<void> unregisterMemory(void* addr) = 0;

    /// Serves files to peers under their numbers, all or none. Where none is served yet, no peer is let in before all
    /// of them are there. Unsupported by a transport that has no files.
    virtual Result<void> registerFiles(std::span<const FileEntry> files);
    /// Returns when no peer can reach the file any more.
    virtual Result<void> unregisterFile(FileBufferID id);
    /// Where files are served; nothing where none can be.
    virtual std::optional<FileService> fileService() const { return std::nullopt; }

    /// Adds what peers must know to reach this side.
    virtual void describe(SegmentDescriptor& descriptor) const = 0;

    /// A peer at `host` with that descriptor. Blocks for name resolution, and where it opens files, locally or through
    /// the kernel.
    virtual Result<std::unique_ptr<Peer>> connect(const std::string& host, const SegmentDescriptor& descriptor) = 0;
    /// The peer has published something new; connections made from now on follow it.
    virtual Result<void> update(Peer& peer, const std::string& host, const SegmentDescriptor& descriptor) = 0;

    virtual PeerInfo inspect(const Peer& peer) const = 0;

    /// Takes the slices over; each ends through finishSlice, whatever happens. From any thread.
    virtual void submit(std::span<Slice> slices) = 0;

    /// Returns when `completion` is done or the deadline has passed. A transport may do its I/O in the caller's thread
    /// meanwhile, which saves two thread switches a batch. All of the batch's slices went to this transport.
    virtual void await(Completion& completion, Deadline deadline) = 0;

    /// Ends everything that is under way or queued as CANCELED. Nothing may be submitted afterwards; peers are
    /// destroyed after it and before the transport.
    virtual void shutDown() = 0;
};

}  // namespace mc
