#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "metadata/server/request.h"

namespace mc::metadata::server {

/// A body that comes bit by bit. Called by one thread at a time.
class BodyStream {
  public:
    BodyStream() = default;
    BodyStream(const BodyStream&) = delete;
    BodyStream& operator=(const BodyStream&) = delete;
    virtual ~BodyStream() = default;

    /// Writes what there is and returns its length: 0 if there is nothing now, nothing at the end.
    virtual std::optional<std::size_t> read(std::span<char> to) = 0;
    /// Calls `wake` once when there is something to read, maybe at once, maybe from another thread.
    virtual void wait(std::move_only_function<void()> wake) = 0;
};

/// An answer to a request.
struct Reply {
    static constexpr std::string_view kText = "text/plain; charset=utf-8";
    static constexpr std::string_view kJson = "application/json";

    unsigned status = 200;
    /// A literal, a text, a value of the store, or a stream.
    std::variant<std::string_view, std::string, std::shared_ptr<const std::string>, std::shared_ptr<BodyStream>> body;
    std::string_view content_type = kText;
    std::string version;     ///< For ETag; empty: none.
    std::string_view allow;  ///< The methods that would do; empty: not told.
};

/// Answers requests.
class Handler {
  public:
    using Answer = std::move_only_function<void(Reply)>;

    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;

    /// Calls `answer` once, from any thread. What `head` refers to is there until then.
    virtual void handle(const Head& head, std::string body, Answer answer) = 0;
};

}  // namespace mc::metadata::server
