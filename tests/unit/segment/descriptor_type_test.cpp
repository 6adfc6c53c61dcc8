// Every member with every wrong type: an error that names it, and nothing else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "mc/segment.h"

namespace mc {
namespace {

enum Accepts { Text, Unsigned, Integer, Object, Array, TextOrArray };

struct MemberCase {
    std::string_view field;     // As it stands in the message.
    std::string_view document;  // "@" stands for the value.
    Accepts accepts;
    bool element = false;  // Of an array: null is no way to leave it out.
};

constexpr std::array kMembers{
    MemberCase{"name", R"({"name":@})", Text},
    MemberCase{"server_name", R"({"server_name":@})", Text},
    MemberCase{"protocol", R"({"protocol":@})", TextOrArray},
    MemberCase{"protocol[1]", R"({"protocol":["tcp",@]})", Text, true},
    MemberCase{"tcp_data_port", R"({"tcp_data_port":@})", Integer},
    MemberCase{"tcp_proto_version", R"({"tcp_proto_version":@})", Integer},
    MemberCase{"timestamp", R"({"timestamp":@})", Text},
    MemberCase{"rdma_server_name", R"({"rdma_server_name":@})", Text},
    MemberCase{"devices", R"({"devices":@})", Array},
    MemberCase{"devices[0]", R"({"devices":[@]})", Object, true},
    MemberCase{"devices[0].name", R"({"devices":[{"name":@}]})", Text},
    MemberCase{"devices[0].lid", R"({"devices":[{"lid":@}]})", Unsigned},
    MemberCase{"devices[1].gid", R"({"devices":[{},{"gid":@}]})", Text},
    MemberCase{"priority_matrix", R"({"priority_matrix":@})", Object},
    MemberCase{"priority_matrix.cpu:0", R"({"priority_matrix":{"cpu:0":@}})", Array},
    MemberCase{"priority_matrix.cpu:0[1]", R"({"priority_matrix":{"cpu:0":[[],@]}})", Array, true},
    MemberCase{"priority_matrix.cpu:0[0][1]", R"({"priority_matrix":{"cpu:0":[["a",@]]}})", Text, true},
    MemberCase{"buffers", R"({"buffers":@})", Array},
    MemberCase{"buffers[0]", R"({"buffers":[@]})", Object, true},
    MemberCase{"buffers[0].name", R"({"buffers":[{"name":@}]})", Text},
    MemberCase{"buffers[3].addr", R"({"buffers":[{},{},{},{"addr":@}]})", Unsigned},
    MemberCase{"buffers[0].length", R"({"buffers":[{"length":@}]})", Unsigned},
    MemberCase{"buffers[0].rkey", R"({"buffers":[{"rkey":@}]})", Array},
    MemberCase{"buffers[0].rkey[0]", R"({"buffers":[{"rkey":[@]}]})", Unsigned, true},
    MemberCase{"buffers[0].lkey", R"({"buffers":[{"lkey":@}]})", Array},
    MemberCase{"buffers[0].lkey[2]", R"({"buffers":[{"lkey":[1,2,@]}]})", Unsigned, true},
    MemberCase{"buffers[0].protocol", R"({"buffers":[{"protocol":@}]})", Text},
    MemberCase{"buffers[0].file_path", R"({"buffers":[{"file_path":@}]})", Text},
    MemberCase{"buffers[0].local_path_map", R"({"buffers":[{"local_path_map":@}]})", Object},
    MemberCase{"buffers[0].local_path_map.n1", R"({"buffers":[{"local_path_map":{"n1":@}}]})", Text},
    MemberCase{"nvmeof_generic_trid", R"({"nvmeof_generic_trid":@})", Object},
    MemberCase{"nvmeof_generic_trid.trtype", R"({"nvmeof_generic_trid":{"trtype":@}})", Text},
    MemberCase{"nvmeof_generic_trid.adrfam", R"({"nvmeof_generic_trid":{"adrfam":@}})", Text},
    MemberCase{"nvmeof_generic_trid.traddr", R"({"nvmeof_generic_trid":{"traddr":@}})", Text},
    MemberCase{"nvmeof_generic_trid.trsvcid", R"({"nvmeof_generic_trid":{"trsvcid":@}})", Text},
    MemberCase{"nvmeof_generic_trid.subnqn", R"({"nvmeof_generic_trid":{"subnqn":@}})", Text},
    MemberCase{"file_buffers", R"({"file_buffers":@})", Array},
    MemberCase{"file_buffers[0]", R"({"file_buffers":[@]})", Object, true},
    MemberCase{"file_buffers[0].id", R"({"file_buffers":[{"id":@}]})", Unsigned},
    MemberCase{"file_buffers[0].path", R"({"file_buffers":[{"path":@}]})", Text},
    MemberCase{"file_buffers[0].size", R"({"file_buffers":[{"size":@}]})", Unsigned},
    MemberCase{"file_buffers[0].align", R"({"file_buffers":[{"align":@}]})", Unsigned},
};

struct ValueCase {
    std::string_view json;
    std::string_view got;
};

constexpr std::array kValues{
    ValueCase{R"("text")", "a string"},
    ValueCase{"7", "a number"},
    ValueCase{"-7", "a negative number"},
    ValueCase{"7.5", "a number with a fraction or an exponent"},
    ValueCase{"7e3", "a number with a fraction or an exponent"},
    ValueCase{"18446744073709551616", "a number beyond 64 bits"},
    ValueCase{"-9223372036854775809", "a number beyond 64 bits"},
    ValueCase{"true", "a boolean"},
    ValueCase{"null", "null"},
    ValueCase{"{}", "an object"},
    ValueCase{"[]", "an array"},
};

bool fits(const MemberCase& member, std::string_view got) {
    if (got == "null") return !member.element;
    switch (member.accepts) {
        case Text:
            return got == "a string";
        case Unsigned:
            return got == "a number";
        case Integer:
            return got == "a number" || got == "a negative number";
        case Object:
            return got == "an object";
        case Array:
            return got == "an array";
        case TextOrArray:
            return got == "a string" || got == "an array";
    }
    return false;
}

std::string_view expectedWords(Accepts accepts) {
    constexpr std::array<std::string_view, 6> kWords{"a string", "an unsigned integer", "an integer", "an object",
                                                     "an array", "a string or an array"};
    return kWords.at(accepts);
}

TEST(DescriptorTypes, EveryMemberRefusesEveryOtherType) {
    for (const auto& member : kMembers) {
        for (const auto& value : kValues) {
            std::string text(member.document);
            text.replace(text.find('@'), 1, value.json);
            const auto descriptor = decodeSegmentDescriptor(text);
            // Most of these documents say no protocol, which is only noticed once all types are right.
            const std::string message = descriptor ? "" : descriptor.error().message;
            const auto refusal = fmt::format("segment descriptor: {}: expected {}, got {}", member.field,
                                             expectedWords(member.accepts), value.got);
            if (fits(member, value.got)) {
                EXPECT_EQ(message.find(": expected"), std::string::npos) << text << "\n" << message;
            } else {
                ASSERT_FALSE(descriptor) << text;
                EXPECT_EQ(message, refusal) << text;
                EXPECT_EQ(descriptor.error().code, ErrorCode::BadData);
            }
        }
    }
}

TEST(DescriptorTypes, TheWholeIsAnObject) {
    for (const auto& value : kValues) {
        if (value.got == "an object") continue;
        const auto descriptor = decodeSegmentDescriptor(value.json);
        ASSERT_FALSE(descriptor);
        EXPECT_EQ(descriptor.error().message, fmt::format("segment descriptor: expected an object, got {}", value.got));
    }
}

struct RangeCase {
    std::string_view field;
    std::string_view document;
    std::string_view complaint;
};

TEST(DescriptorTypes, NumbersBeyondTheirRange) {
    constexpr std::array kCases{
        RangeCase{"devices[0].lid", R"({"devices":[{"lid":65536}]})", "expected at most 65535, got 65536"},
        RangeCase{"file_buffers[0].id", R"({"file_buffers":[{"id":4294967296}]})",
                  "expected at most 4294967295, got 4294967296"},
        RangeCase{"tcp_data_port", R"({"tcp_data_port":2147483648})", "expected at most 2147483647, got 2147483648"},
        RangeCase{"tcp_data_port", R"({"tcp_data_port":-2147483649})",
                  "expected at least -2147483648, got -2147483649"},
        RangeCase{"tcp_proto_version", R"({"tcp_proto_version":18446744073709551615})",
                  "expected at most 2147483647, got 18446744073709551615"},
    };
    for (const auto& range : kCases) {
        const auto descriptor = decodeSegmentDescriptor(range.document);
        ASSERT_FALSE(descriptor);
        EXPECT_EQ(descriptor.error().message, fmt::format("segment descriptor: {}: {}", range.field, range.complaint));
    }
}

}  // namespace
}  // namespace mc
