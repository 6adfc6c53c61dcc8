#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "metadata/store.h"

namespace mc::metadata {

/// A value that nobody copies; it stays as it is when the key is written again.
struct SharedValue {
    std::shared_ptr<const std::string> value;
    std::uint64_t version = 0;
};

/// What a store holds.
struct Usage {
    std::uint64_t keys = 0;
    std::uint64_t bytes = 0;  ///< Of keys and values.
};

/// How long it took to make changes durable; of a store that does not, all zero.
struct CommitTimes {
    static constexpr std::array<double, 11> kBounds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                    0.05,   0.1,   0.2,   0.5,   1};  ///< Seconds.
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< Up to each bound, and above the last; not cumulative.
    double sum_seconds = 0;
    std::uint64_t failed = 0;
};

/// A store that this process holds itself, with what a server of it needs beyond Store.
class LocalStore : public Store {
  public:
    /// The version that a put gave, or empty for a removal.
    using Done = std::move_only_function<void(Result<std::string>)>;

    /// The value, without a wait or a copy; nothing if the key is absent.
    virtual std::optional<SharedValue> find(std::string_view key) = 0;

    /// put() and remove() that do not wait until the change is durable: `done` is called once, with no lock held, maybe
    /// before the call returns, maybe from another thread. It must not wait for this store.
    virtual void putLater(std::string key, std::string value, Precondition precondition, Done done) = 0;
    virtual void removeLater(std::string key, Precondition precondition, Done done) = 0;

    /// Like list, but the page also ends once it has `max_bytes` of keys and values; it has one item at least.
    virtual Result<Page> listWithin(std::string_view prefix, std::size_t limit, std::string_view continuation,
                                    std::size_t max_bytes) = 0;

    /// The newest version that was given, ever; grows with every put.
    virtual std::string revision() const = 0;
    virtual Usage usage() const = 0;
    virtual CommitTimes commitTimes() const = 0;
    /// The error with which the last change failed for a reason of the store's own, until one succeeds again.
    virtual Result<void> health() const = 0;
};

}  // namespace mc::metadata
