#include "control/json_rpc.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace mc::control {
namespace {

using nlohmann::json;

constexpr std::string_view kMethods = "methods";
constexpr int kMaxDepth = 64;  // Of arrays and objects in each other: copying and writing them takes stack.

// The standard's codes; below -32000 those of a server.
enum RpcCode : int {
    kParseError = -32700,
    kInvalidRequest = -32600,
    kMethodNotFound = -32601,
    kInvalidParams = -32602,
    kInternalError = -32603,
    kFailed = -32000,
    kNotPermitted = -32001,
};

json errorReply(const json& id, RpcCode code, std::string_view message, json data = nullptr) {
    json error{{"code", static_cast<int>(code)}, {"message", message}};
    if (!data.is_null()) error["data"] = std::move(data);
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}};
}

std::string line(const json& reply) {
    return reply.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool isTooDeep(std::string_view message) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < message.size(); ++i) {
        const char letter = message[i];
        if (in_string) {
            if (letter == '\\') ++i;
            if (letter == '"') in_string = false;
        } else if (letter == '"') {
            in_string = true;
        } else if (letter == '[' || letter == '{') {
            if (++depth > kMaxDepth) return true;
        } else if (letter == ']' || letter == '}') {
            --depth;
        }
    }
    return false;
}

// What a reply can carry back: a request whose id is something else has none.
json idOf(const json& request) {
    if (!request.is_object()) return nullptr;
    const auto found = request.find("id");
    return found != request.end() && (found->is_string() || found->is_number()) ? *found : json(nullptr);
}

// Empty where the request is as the standard wants it.
std::string_view problemOf(const json& request) {
    if (!request.is_object()) return "not an object";
    const auto member = [&](const char* name) -> const json* {
        const auto found = request.find(name);
        return found == request.end() ? nullptr : &*found;
    };
    const json* const version = member("jsonrpc");
    if (version == nullptr || *version != "2.0") return "\"jsonrpc\" must be \"2.0\"";
    const json* const method = member("method");
    if (method == nullptr || !method->is_string()) return "\"method\" must be a string";
    const json* const params = member("params");
    if (params != nullptr && !params->is_structured()) return "\"params\" must be an object or an array";
    const json* const id = member("id");
    if (id != nullptr && !id->is_string() && !id->is_number() && !id->is_null())
        return "\"id\" must be a string, a number or null";
    return {};
}

}  // namespace

RpcMethods::RpcMethods() {
    add(std::string(kMethods), "list the methods", {});
}

void RpcMethods::add(std::string name, std::string summary, Handler handler) {
    methods_.insert_or_assign(std::move(name), Method{std::move(summary), std::move(handler)});
}

Result<json> RpcMethods::list(const json& params) const {
    if (auto none = expectNoParams(params); !none) return std::unexpected(none.error());
    json items = json::array();
    for (const auto& [name, method] : methods_) {
        items.push_back({{"name", name}, {"summary", method.summary}});
    }
    return json{{"schema_version", 1}, {"items", std::move(items)}};
}

json RpcMethods::call(const json& request) const {
    const json id = idOf(request);
    const auto& name = request["method"].get_ref<const std::string&>();
    const auto method = methods_.find(name);
    if (method == methods_.end()) {
        return errorReply(id, kMethodNotFound, "Method not found",
                          {{"hint", "the method named methods lists what there is"}});
    }
    try {
        const auto given = request.find("params");
        const json params = given == request.end() ? json(nullptr) : *given;
        auto result = name == kMethods ? list(params) : method->second.handler(params);
        if (result) return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(*result)}};
        const Error& error = result.error();
        return errorReply(id, error.code == ErrorCode::InvalidArgument ? kInvalidParams : kFailed, error.message,
                          {{"code", toString(error.code)}, {"hint", error.hint}});
    } catch (const std::exception& defect) {
        return errorReply(id, kInternalError, "Internal error", {{"detail", defect.what()}});
    }
}

// Nothing for a notification. An invalid request is answered even so: whether it is one can't be told.
std::optional<json> RpcMethods::answerOne(const json& request) const {
    if (const auto problem = problemOf(request); !problem.empty())
        return errorReply(idOf(request), kInvalidRequest, "Invalid Request", {{"detail", problem}});
    json reply = call(request);
    if (!request.contains("id")) return std::nullopt;
    return reply;
}

std::optional<std::string> RpcMethods::answer(std::string_view message) const {
    if (isTooDeep(message))
        return line(errorReply(nullptr, kParseError, "Parse error", {{"detail", "nested too deeply"}}));
    const json request = json::parse(message, nullptr, false);
    if (request.is_discarded()) return line(errorReply(nullptr, kParseError, "Parse error"));
    if (!request.is_array()) {
        const auto reply = answerOne(request);
        return reply ? std::optional(line(*reply)) : std::nullopt;
    }
    if (request.empty() || request.size() > kMaxBatch) {
        return line(errorReply(nullptr, kInvalidRequest, "Invalid Request",
                               {{"detail", fmt::format("a batch has 1 to {} requests", kMaxBatch)}}));
    }
    json replies = json::array();
    for (const json& each : request) {
        if (auto reply = answerOne(each)) replies.push_back(std::move(*reply));
    }
    return replies.empty() ? std::nullopt : std::optional(line(replies));
}

Result<void> expectNoParams(const json& params) {
    if (params.is_null() || params.empty()) return {};
    return fail(ErrorCode::InvalidArgument, "this method takes no params");
}

std::string tooLongReply(std::size_t limit) {
    return line(errorReply(nullptr, kInvalidRequest, "Invalid Request",
                           {{"detail", fmt::format("a message has at most {} bytes", limit)}}));
}

std::string notPermittedReply() {
    return line(errorReply(nullptr, kNotPermitted, "Not permitted",
                           {{"code", toString(ErrorCode::NotPermitted)},
                            {"hint", "only root and the user that runs the target may ask"}}));
}

}  // namespace mc::control
