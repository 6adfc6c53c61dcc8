#include "metadata/dump.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/errors.h"
#include "metadata/memory_store.h"

namespace mc::metadata {
namespace {

std::string dumpOf(Store& store, std::string_view prefix) {
    std::string text;
    const auto sink = [&](std::string_view more) -> Result<void> {
        text += more;
        return {};
    };
    EXPECT_TRUE(writeDump(store, prefix, sink, std::nullopt, {}));
    return text;
}

// All entries as "key=value", or the error's message.
std::string contentOf(const std::string& text) {
    std::istringstream stream(text);
    DumpReader reader(stream, "dump");
    std::string content;
    for (;;) {
        const auto entry = reader.next();
        if (!entry) return entry.error().message;
        if (!*entry) return content;
        content += (*entry)->key + "=" + (*entry)->value + ";";
    }
}

const std::string kHeader = dumpHeader("p/");

TEST(Dump, HasALineForEachKeyInOrder) {
    MemoryStore store;
    ASSERT_TRUE(store.put("p/b", "{\"x\":\"\xc3\xa9\"}\n", Precondition::any(), std::nullopt));
    ASSERT_TRUE(store.put("p/a", "", Precondition::any(), std::nullopt));
    ASSERT_TRUE(store.put("q", "not this", Precondition::any(), std::nullopt));
    EXPECT_EQ(dumpOf(store, "p/"),
              "{\"format\":\"mc-meta dump\",\"prefix\":\"p/\",\"schema_version\":1}\n"
              "{\"key\":\"p/a\",\"value\":\"\"}\n"
              "{\"key\":\"p/b\",\"value\":\"{\\\"x\\\":\\\"\xc3\xa9\\\"}\\n\"}\n"
              "{\"entries\":2}\n");
    EXPECT_EQ(contentOf(dumpOf(store, "p/")), "p/a=;p/b={\"x\":\"\xc3\xa9\"}\n;");
}

TEST(Dump, OfNothingIsWholeToo) {
    MemoryStore store;
    EXPECT_EQ(contentOf(dumpOf(store, "p/")), "");
}

TEST(Dump, KeepsBytesThatAreNoText) {
    const std::string bytes("\xff\x00\xfe", 3);
    EXPECT_EQ(dumpLine("k", bytes), "{\"key\":\"k\",\"value_base64\":\"/wD+\"}\n");
    EXPECT_EQ(contentOf(kHeader + dumpLine(bytes, bytes) + dumpEnd(1)), bytes + "=" + bytes + ";");
}

TEST(Dump, OfManyPagesIsTheSame) {
    MemoryStore store;
    std::string expected;
    for (int i = 10000; i < 12500; ++i) {
        const std::string key = "p/" + std::to_string(i);
        ASSERT_TRUE(store.put(key, "v", Precondition::any(), std::nullopt));
        expected += key + "=v;";
    }
    EXPECT_EQ(contentOf(dumpOf(store, "p/")), expected);
}

TEST(Dump, EndsWithAnErrorOfTheSink) {
    MemoryStore store;
    const auto sink = [](std::string_view) -> Result<void> { return fail(ErrorCode::Full, "no room"); };
    const auto entries = writeDump(store, "", sink, std::nullopt, {});
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code, ErrorCode::Full);
}

TEST(Dump, ThatIsStoppedIsNotWhole) {
    MemoryStore store;
    std::stop_source stop;
    stop.request_stop();
    std::string text;
    const auto sink = [&](std::string_view more) -> Result<void> {
        text += more;
        return {};
    };
    ASSERT_TRUE(writeDump(store, "", sink, std::nullopt, stop.get_token()));
    EXPECT_EQ(contentOf(text), "dump:1: the dump is cut off");
}

struct BadDump {
    std::string text;
    std::string message;
};

TEST(Dump, ThatIsDamagedIsRefusedByLine) {
    const std::string a = dumpLine("a", "1");
    const std::string b = dumpLine("b", "2");
    const BadDump kCases[] = {
        {"", "dump:1: the dump is cut off"},
        {"{}\n", "dump:1: this is no dump"},
        {"[1\n", "dump:1: this is no dump"},
        {"{\"format\":\"mc-meta dump\",\"schema_version\":2}\n", "dump:1: the dump has another schema_version than 1"},
        {kHeader + a, "dump:3: the dump is cut off"},
        {kHeader + a + "{\"entries\":1}", "dump:3: the dump is cut off"},
        {kHeader + a + dumpEnd(2), "dump:3: 2 entries are told, 1 are there"},
        {kHeader + a + "{\"entries\":-1}\n", "dump:3: entries is no number"},
        {kHeader + dumpEnd(0) + a, "dump:3: something follows the end of the dump"},
        {kHeader + b + a + dumpEnd(2), "dump:3: a: out of order, or there twice"},
        {kHeader + a + a + dumpEnd(2), "dump:3: a: out of order, or there twice"},
        {kHeader + "x\n", "dump:2: malformed JSON"},
        {kHeader + "[]\n", "dump:2: malformed JSON"},
        {kHeader + "{\"key\":\"a\"}\n", "dump:2: an entry has key and value, or their base64 forms"},
        {kHeader + "{\"key\":\"\",\"value\":\"\"}\n", "dump:2: an entry has key and value, or their base64 forms"},
        {kHeader + "{\"key\":1,\"value\":\"\"}\n", "dump:2: an entry has key and value, or their base64 forms"},
        {kHeader + "{\"key\":\"a\",\"key_base64\":\"YQ==\",\"value\":\"\"}\n",
         "dump:2: an entry has key and value, or their base64 forms"},
        {kHeader + "{\"key\":\"a\",\"value_base64\":\"!\"}\n",
         "dump:2: an entry has key and value, or their base64 forms"},
    };
    for (const auto& bad : kCases)
        EXPECT_EQ(contentOf(bad.text), bad.message) << bad.text;
}

}  // namespace
}  // namespace mc::metadata
