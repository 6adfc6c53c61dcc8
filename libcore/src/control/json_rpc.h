#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "mc/error.h"

namespace mc::control {

/// The methods of a JSON-RPC 2.0 server, and the answers to its messages. Set up by one thread; then answers may be
/// asked for from any.
class RpcMethods {
  public:
    /// Gets the params: an object, an array, or null without any. InvalidArgument becomes "Invalid params" (-32602),
    /// every other error -32000; both carry our code and hint as `data`.
    using Handler = std::function<Result<nlohmann::json>(const nlohmann::json& params)>;

    RpcMethods();

    /// `summary`: one phrase, for who asks for the `methods`, which are always there.
    void add(std::string name, std::string summary, Handler handler);

    /// The reply to a request or a batch, on one line and without its end; nothing where there is none to give, as for
    /// notifications. Malformed messages have an error for a reply.
    std::optional<std::string> answer(std::string_view message) const;

    static constexpr std::size_t kMaxBatch = 100;

  private:
    struct Method {
        std::string summary;
        Handler handler;
    };

    Result<nlohmann::json> list(const nlohmann::json& params) const;
    nlohmann::json call(const nlohmann::json& request) const;
    std::optional<nlohmann::json> answerOne(const nlohmann::json& request) const;

    std::map<std::string, Method, std::less<>> methods_;
};

/// InvalidArgument unless there are none: for methods that take none.
Result<void> expectNoParams(const nlohmann::json& params);

/// The reply to a message that was too long to be read.
std::string tooLongReply(std::size_t limit);

/// The reply to a peer that may not ask.
std::string notPermittedReply();

}  // namespace mc::control
