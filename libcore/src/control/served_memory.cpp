#include "control/served_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace mc::control {

std::string toString(const BufferName& name) {
    return name.is_address ? fmt::format("{:#x}", name.value) : std::to_string(name.value);
}

Result<BufferName> parseBufferName(std::string_view text) {
    constexpr std::string_view kHexadecimal = "0x";
    BufferName name{.is_address = text.starts_with(kHexadecimal)};
    const std::string_view digits = name.is_address ? text.substr(kHexadecimal.size()) : text;
    const auto [next, error] = std::from_chars(digits.begin(), digits.end(), name.value, name.is_address ? 16 : 10);
    if (error == std::errc{} && next == digits.end()) return name;
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" is neither a buffer's number nor its address", printable(text)),
                "write 2, or 0x7f3a5c000000; mc-target status shows both");
}

ServedBuffer ServedMemory::Entry::describe() const {
    const auto memory = buffer.memory();
    return {.number = number,
            .addr = reinterpret_cast<std::uint64_t>(memory.data()),
            .length = memory.size(),
            .location = buffer.location(),
            .page_size = buffer.pageSize(),
            .transparent = buffer.transparent(),
            .locked = buffer.locked()};
}

std::vector<ServedBuffer> ServedMemory::describe() const {
    const std::lock_guard lock(mutex_);
    std::vector<ServedBuffer> all;
    std::ranges::transform(entries_, std::back_inserter(all), &Entry::describe);
    return all;
}

Result<std::vector<ServedBuffer>> ServedMemory::add(TransferEngine& engine, std::vector<io::Buffer> buffers) {
    std::vector<void*> registered;
    for (const io::Buffer& buffer : buffers) {
        const auto memory = buffer.memory();
        auto added = engine.registerLocalMemory(memory.data(), memory.size(), buffer.location());
        if (added) {
            registered.push_back(memory.data());
            continue;
        }
        if (!registered.empty()) static_cast<void>(engine.unregisterLocalMemoryBatch(registered));
        return std::unexpected(std::move(added.error()));
    }
    const std::lock_guard lock(mutex_);
    std::vector<ServedBuffer> added;
    for (io::Buffer& buffer : buffers) {
        const Entry& entry = entries_.emplace_back(Entry{next_number_++, std::move(buffer)});
        added.push_back(entry.describe());
    }
    return added;
}

// The positions of those that are meant, in order.
Result<std::vector<std::size_t>> ServedMemory::choose(const BufferChoice& choice) const {
    std::vector<std::size_t> chosen;
    for (const BufferName& name : choice.names) {
        const auto found =
            std::ranges::find_if(entries_, [&](const Entry& entry) { return name.fits(entry.describe()); });
        if (found != entries_.end()) {
            chosen.push_back(static_cast<std::size_t>(found - entries_.begin()));
        } else if (!choice.ignore_missing) {
            return fail(ErrorCode::NotFound, fmt::format("buffer {}: there is none", toString(name)));
        }
    }
    std::ranges::sort(chosen);
    const auto twice = std::ranges::unique(chosen);
    chosen.erase(twice.begin(), twice.end());
    if (chosen.empty() || chosen.size() < entries_.size()) return chosen;
    return fail(ErrorCode::Busy,
                chosen.size() == 1 ? fmt::format("buffer {}: it is the last one", entries_.front().number)
                                   : std::string("buffers: there are no others"),
                "add another one first, or stop the target: a segment without buffers is that of an engine to come");
}

Result<std::vector<ServedBuffer>> ServedMemory::find(const BufferChoice& choice) const {
    const std::lock_guard lock(mutex_);
    const auto chosen = choose(choice);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<ServedBuffer> found;
    std::ranges::transform(*chosen, std::back_inserter(found), [&](std::size_t i) { return entries_[i].describe(); });
    return found;
}

Result<std::vector<ServedMemory::Entry>> ServedMemory::takeOut(const BufferChoice& choice) {
    const std::lock_guard lock(mutex_);
    const auto chosen = choose(choice);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<Entry> taken;
    for (const std::size_t position : *chosen) {
        const auto entry = entries_.begin() + static_cast<std::ptrdiff_t>(position - taken.size());
        taken.push_back(std::move(*entry));
        entries_.erase(entry);
    }
    return taken;
}

void ServedMemory::putBack(std::vector<Entry> entries) {
    const std::lock_guard lock(mutex_);
    std::ranges::move(entries, std::back_inserter(entries_));
    std::ranges::sort(entries_, {}, &Entry::number);
}

Result<std::vector<ServedBuffer>> ServedMemory::remove(TransferEngine& engine, const BufferChoice& choice) {
    auto taken = takeOut(choice);
    if (!taken) return std::unexpected(taken.error());
    std::vector<ServedBuffer> removed;
    std::vector<void*> addrs;
    for (const Entry& entry : *taken) {
        removed.push_back(entry.describe());
        addrs.push_back(entry.buffer.memory().data());
    }
    if (addrs.empty()) return removed;
    auto withdrawn = engine.withdrawLocalMemory(addrs);
    if (withdrawn) withdrawn = engine.unregisterLocalMemoryBatch(addrs);
    if (withdrawn) return removed;
    putBack(std::move(*taken));
    return std::unexpected(std::move(withdrawn.error()));
}

}  // namespace mc::control
