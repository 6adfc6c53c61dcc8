#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mc/engine.h"

#include "io/memory_buffer.h"

namespace mc::control {

/// A buffer that is served, as others are told of it.
struct ServedBuffer {
    std::uint64_t number = 0;  ///< From 0; never that of another buffer of the same target.
    std::uint64_t addr = 0;
    std::uint64_t length = 0;
    std::string location;
    std::uint64_t page_size = 0;
    bool transparent = false;
    bool locked = false;
};

/// A buffer as a user names it: by its number or by its address.
struct BufferName {
    bool is_address = false;
    std::uint64_t value = 0;

    bool fits(const ServedBuffer& buffer) const { return value == (is_address ? buffer.addr : buffer.number); }
};

/// "2" is a number, "0x7f3a5c000000" an address.
Result<BufferName> parseBufferName(std::string_view text);
std::string toString(const BufferName& name);

/// Which buffers are meant.
struct BufferChoice {
    std::vector<BufferName> names;
    bool ignore_missing = false;  ///< Else NotFound.
};

/// The buffers that an engine serves. Outlives the engine, which may touch them until it is gone. From any thread.
class ServedMemory {
  public:
    /// Registers and publishes them with the engine, all or none.
    Result<std::vector<ServedBuffer>> add(TransferEngine& engine, std::vector<io::Buffer> buffers);
    /// Withdraws them, then unregisters them, then frees them, when no peer can touch them any more: all or none. Busy
    /// for the last ones: a segment without buffers is that of an engine still to come.
    Result<std::vector<ServedBuffer>> remove(TransferEngine& engine, const BufferChoice& choice);
    /// What remove() would remove.
    Result<std::vector<ServedBuffer>> find(const BufferChoice& choice) const;
    std::vector<ServedBuffer> describe() const;

  private:
    struct Entry {
        std::uint64_t number = 0;
        io::Buffer buffer;

        ServedBuffer describe() const;
    };
    Result<std::vector<std::size_t>> choose(const BufferChoice& choice) const;
    Result<std::vector<Entry>> takeOut(const BufferChoice& choice);
    void putBack(std::vector<Entry> entries);

    mutable std::mutex mutex_;  // Guards the members, never a call of the engine.
    std::vector<Entry> entries_;
    std::uint64_t next_number_ = 0;
};

}  // namespace mc::control
