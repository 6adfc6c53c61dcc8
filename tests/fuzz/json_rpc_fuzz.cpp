// A line of the control socket from anywhere: never a crash, and what comes back is one line with replies that are as
// JSON-RPC 2.0 wants them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/errors.h"
#include "control/json_rpc.h"

namespace {

using nlohmann::json;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void expectReply(const json& reply) {
    require(reply.is_object() && reply.value("jsonrpc", "") == "2.0", "a reply without version");
    require(reply.contains("id"), "a reply without id");
    require(reply.contains("result") != reply.contains("error"), "neither result nor error, or both");
    if (!reply.contains("error")) return;
    const json& error = reply["error"];
    require(error["code"].is_number_integer() && error["message"].is_string(), "an error without code or message");
}

mc::control::RpcMethods makeMethods() {
    mc::control::RpcMethods methods;
    methods.add("echo", "return the params", [](const json& params) -> mc::Result<json> { return params; });
    methods.add("refuse", "fail", [](const json&) -> mc::Result<json> { return mc::fail(mc::ErrorCode::Busy, "no"); });
    return methods;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const mc::control::RpcMethods methods = makeMethods();
    const auto line = methods.answer({reinterpret_cast<const char*>(data), size});
    if (!line) return 0;
    require(line->find('\n') == std::string::npos, "a reply of several lines");
    const json reply = json::parse(*line, nullptr, false);
    require(!reply.is_discarded(), "a reply that is no JSON");
    if (!reply.is_array()) {
        expectReply(reply);
        return 0;
    }
    require(!reply.empty(), "an empty batch of replies");
    for (const json& each : reply)
        expectReply(each);
    return 0;
}
