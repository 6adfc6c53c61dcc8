#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mc {

/// A JSON value that is made to be printed; members keep their order. What comes from outside is read elsewhere: see
/// metadata/json_members.h.
class Json {
  public:
    struct Member;

    Json() = default;  ///< null
    Json(std::nullptr_t) {}
    Json(std::initializer_list<Member> members);  ///< An object.
    template <typename T>
        requires std::same_as<T, bool> || std::floating_point<T>
    Json(T value) : value_(value) {}
    template <std::signed_integral T>
    Json(T value) : value_(std::int64_t{value}) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    Json(T value) : value_(std::uint64_t{value}) {}
    template <std::convertible_to<std::string_view> T>
    Json(const T& text) : value_(std::string(std::string_view(text))) {}
    /// Null if there is none.
    template <typename T>
    Json(const std::optional<T>& value) : Json(value ? Json(*value) : Json()) {}
    /// An array.
    template <typename T>
        requires(!std::convertible_to<T, std::string_view>) && requires(const T& items) {
            items.begin();
            items.end();
        }
    Json(const T& items) : value_(Array(items.begin(), items.end())) {}

    static Json array();
    static Json object();

    /// Of an array.
    void add(Json element);
    /// Of an object, which null becomes: the member, null if it is new.
    Json& operator[](std::string_view name);
    /// Sets the members of another object.
    void update(Json other);

    /// On one line, without its end; with `indent` spaces a level on many. What is not UTF-8 becomes U+FFFD.
    std::string text(int indent = -1) const;
    /// The text, and a newline.
    std::string line() const { return text() + "\n"; }

  private:
    using Array = std::vector<Json>;
    using Object = std::vector<std::pair<std::string, Json>>;
    struct Writer;

    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
    std::string_view name;
    mutable Json value;  // Elements of an initializer list are constant, and would be copied.
};

}  // namespace mc
