#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace mc::metadata {

/// The first keys, in the order of bytes, of many that come in any order and perhaps twice; in bounded memory.
class SmallestKeys {
  public:
    /// Keeps at most `max_keys`, and as many as take `max_bytes`, but at least one.
    SmallestKeys(std::size_t max_keys, std::size_t max_bytes) : max_keys_(max_keys), max_bytes_(max_bytes) {}

    void add(std::string&& key);
    /// Whether greater keys were left out.
    bool leftOut() const { return left_out_; }
    const std::set<std::string>& keys() const { return keys_; }
    /// The first one.
    std::string take();

  private:
    std::size_t max_keys_;
    std::size_t max_bytes_;
    std::set<std::string> keys_;
    std::size_t bytes_ = 0;
    bool left_out_ = false;
};

}  // namespace mc::metadata
