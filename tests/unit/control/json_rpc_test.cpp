#include "control/json_rpc.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/errors.h"

namespace mc::control {
namespace {

using nlohmann::json;

class JsonRpc : public testing::Test {
  protected:
    JsonRpc() {
        methods.add("echo", "return the params", [](const json& params) -> Result<json> { return params; });
        methods.add("refuse", "fail", [](const json& params) -> Result<json> {
            return fail(params.is_null() ? ErrorCode::Busy : ErrorCode::InvalidArgument, "no", "ask later");
        });
        methods.add("count", "count calls", [this](const json&) -> Result<json> { return ++calls; });
        methods.add("throw", "a defect", [](const json&) -> Result<json> { throw std::runtime_error("defect"); });
    }
    json answer(std::string_view message) const {
        const auto reply = methods.answer(message);
        EXPECT_TRUE(reply.has_value());
        EXPECT_FALSE(reply->contains('\n'));
        return json::parse(reply.value_or("null"));
    }
    int code(std::string_view message) const { return answer(message)["error"]["code"].get<int>(); }

    int calls = 0;
    RpcMethods methods;
};

TEST_F(JsonRpc, AnswersARequest) {
    const json reply = answer(R"({"jsonrpc":"2.0","id":7,"method":"echo","params":{"a":[1]}})");
    EXPECT_EQ(reply, (json{{"jsonrpc", "2.0"}, {"id", 7}, {"result", {{"a", {1}}}}}));
}

TEST_F(JsonRpc, KeepsTheIdAsItIs) {
    for (const char* id : {"1", "-3", "1.5", "\"x\"", "null", "18446744073709551615"}) {
        const json reply = answer(std::string(R"({"jsonrpc":"2.0","method":"echo","id":)") + id + "}");
        EXPECT_EQ(reply["id"], json::parse(id));
        EXPECT_TRUE(reply["result"].is_null());
    }
}

TEST_F(JsonRpc, DoesNotAnswerNotificationsButRunsThem) {
    EXPECT_FALSE(methods.answer(R"({"jsonrpc":"2.0","method":"count"})"));
    EXPECT_FALSE(methods.answer(R"({"jsonrpc":"2.0","method":"unknown"})"));
    EXPECT_FALSE(methods.answer(R"([{"jsonrpc":"2.0","method":"count"},{"jsonrpc":"2.0","method":"refuse"}])"));
    EXPECT_EQ(calls, 2);
}

TEST_F(JsonRpc, AnswersABatchInOrderWithoutItsNotifications) {
    const json replies =
        answer(R"([{"jsonrpc":"2.0","id":1,"method":"count"},{"jsonrpc":"2.0","method":"count"},7,)"
               R"({"jsonrpc":"2.0","id":2,"method":"unknown"},{"jsonrpc":"2.0","id":3,"method":"count"}])");
    ASSERT_EQ(replies.size(), 4);
    EXPECT_EQ(replies[0]["result"], 1);
    EXPECT_EQ(replies[1]["error"]["code"], -32600);
    EXPECT_TRUE(replies[1]["id"].is_null());
    EXPECT_EQ(replies[2]["error"]["code"], -32601);
    EXPECT_EQ(replies[2]["id"], 2);
    EXPECT_EQ(replies[3]["result"], 3);
}

TEST_F(JsonRpc, HasTheStandardsErrorCodes) {
    EXPECT_EQ(code("{"), -32700);
    EXPECT_EQ(code("nonsense"), -32700);
    EXPECT_EQ(code("\xff"), -32700);
    EXPECT_EQ(code("[]"), -32600);
    EXPECT_EQ(code("1"), -32600);
    EXPECT_EQ(code("null"), -32600);
    EXPECT_EQ(code(R"({"id":1,"method":"echo"})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"1.0","id":1,"method":"echo"})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":2.0,"id":1,"method":"echo"})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":1})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":1})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":{},"method":"echo"})"), -32600);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"unknown"})"), -32601);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"refuse","params":[1]})"), -32602);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"throw"})"), -32603);
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"refuse"})"), -32000);
}

TEST_F(JsonRpc, TellsOurOwnCodeAndHint) {
    const json error = answer(R"({"jsonrpc":"2.0","id":1,"method":"refuse"})")["error"];
    EXPECT_EQ(error["message"], "no");
    EXPECT_EQ(error["data"], (json{{"code", "busy"}, {"hint", "ask later"}}));
}

TEST_F(JsonRpc, ListsItsMethods) {
    const json result = answer(R"({"jsonrpc":"2.0","id":1,"method":"methods"})")["result"];
    EXPECT_EQ(result["items"].size(), 5);
    EXPECT_EQ(result["items"][1], (json{{"name", "echo"}, {"summary", "return the params"}}));
    EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"methods","params":{"x":1}})"), -32602);
}

TEST_F(JsonRpc, BoundsWhatOneMessageCanCost) {
    std::string batch = "[0";
    for (std::size_t i = 0; i < RpcMethods::kMaxBatch; ++i)
        batch += ",0";
    const json reply = answer(batch + "]");
    ASSERT_TRUE(reply.is_object());
    EXPECT_EQ(reply["error"]["code"], -32600);
    EXPECT_EQ(code(std::string(1 << 20, '[')), -32700);
    EXPECT_EQ(code(std::string(500'000, '[') + std::string(500'000, ']')), -32700);
    const auto echo = [&](const std::string& params) {
        return answer(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":)" + params + "}");
    };
    EXPECT_TRUE(echo(std::string(60, '[') + std::string(60, ']')).contains("result"));
    EXPECT_TRUE(echo("[\"\\\"" + std::string(100, '[') + "\"]").contains("result")) << "text is not nested";
    EXPECT_EQ(echo(std::string(100, '[') + std::string(100, ']'))["error"]["code"], -32700);
}

}  // namespace
}  // namespace mc::control
