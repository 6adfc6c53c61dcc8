#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mc::nvme {

struct Command;

/// One or two PDUs that wait to be sent together: `head`, zeroes, `data` or a range of `file`, `tail`; each may be
/// empty.
struct Output {
    std::array<std::byte, 28> head;
    std::array<std::byte, 32> tail;  ///< Data digest, response, its digest.
    std::uint8_t head_length = 0;
    std::uint8_t padding = 0;
    std::uint8_t tail_length = 0;
    std::uint32_t length = 0;  ///< Of `data`, or of the range.
    const std::byte* data = nullptr;
    int file = -1;  ///< Has the data, if not -1.
    std::uint64_t file_offset = 0;
    std::uint64_t sent = 0;
    Command* command = nullptr;  ///< Whose it is, if any command's.

    std::uint64_t size() const { return std::uint64_t{head_length} + padding + length + tail_length; }
};

/// What waits to be sent on a connection, in order. A ring that is large enough for all there can be: an output for
/// each command, and the connection's own.
class OutputQueue {
  public:
    OutputQueue() : ring_(kOwn) {}

    void reserve(std::size_t commands);
    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    /// That wait to be sent.
    std::uint64_t bytes() const;
    void push(Output& output);
    /// Fills `parts` from the front and returns how many it has used. `file_follows`: it has stopped at data in a file.
    std::size_t gather(std::span<iovec> parts, bool& file_follows) const;
    /// What comes next if it is in a file: where, and how much.
    struct FilePart {
        int file = -1;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };
    std::optional<FilePart> filePart() const;
    /// Takes `bytes` that were sent off, and calls `whole(Output&)` for what that ends.
    template <typename Whole>
    void consume(std::uint64_t bytes, Whole whole) {
        while (count_ > 0) {
            Output& output = *ring_[first_];
            const std::uint64_t left = output.size() - output.sent;
            if (bytes < left) {
                output.sent += bytes;
                return;
            }
            bytes -= left;
            first_ = first_ + 1 == ring_.size() ? 0 : first_ + 1;
            --count_;
            output.sent = output.size();
            whole(output);
        }
    }
    void clear() { count_ = 0; }

  private:
    static constexpr std::size_t kOwn = 3;  // Greeting, Connect, farewell.

    std::vector<Output*> ring_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace mc::nvme
