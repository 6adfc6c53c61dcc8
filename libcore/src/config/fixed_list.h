#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

namespace mc::config {

/// A short list inside a constexpr table: std::span can't own a braced list, std::vector can't outlive constant
/// evaluation. More than N items in a constant table do not compile.
template <typename T, std::size_t N>
class FixedList {
  public:
    constexpr FixedList() = default;
    constexpr FixedList(std::initializer_list<T> items) {
        for (const T& item : items)
            items_.at(size_++) = item;
    }

    constexpr const T* begin() const { return items_.data(); }
    constexpr const T* end() const { return items_.data() + size_; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr const T& operator[](std::size_t index) const { return items_[index]; }

  private:
    std::array<T, N> items_{};
    std::size_t size_ = 0;
};

}  // namespace mc::config
