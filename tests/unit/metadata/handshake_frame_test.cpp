#include "metadata/handshake_frame.h"

#include <gmock/gmock.h>

#include "metadata/wire.h"

namespace mc::metadata {
namespace {

using testing::HasSubstr;

// Feeds `bytes` in two parts and expects one complete frame.
Frame decodeSplit(std::string_view bytes, std::size_t split) {
    FrameDecoder decoder(1024);
    EXPECT_EQ(decoder.feed(bytes.substr(0, split)).value(), split);
    EXPECT_EQ(decoder.complete(), split == bytes.size());
    EXPECT_EQ(decoder.feed(bytes.substr(split)).value(), bytes.size() - split);
    EXPECT_TRUE(decoder.complete());
    return decoder.take();
}

TEST(HandshakeFrame, HasLengthTypeAndJsonWithNewline) {
    EXPECT_EQ(encodeFrame({MessageType::Probe, false, R"({"status":"success"})"}),
              std::string("\x16\0\0\0\0\0\0\0\x03", 9) + "{\"status\":\"success\"}\n");
    EXPECT_EQ(encodeFrame({MessageType::Notify, false, "null\n"}), std::string("\x06\0\0\0\0\0\0\0\x02null\n", 14));
}

TEST(HandshakeFrame, OfTheOldFormatHasNoType) {
    EXPECT_EQ(encodeFrame({MessageType::Connection, true, "null"}), std::string("\x05\0\0\0\0\0\0\0null\n", 13));
}

TEST(HandshakeFrame, LengthIsLittleEndian) {
    const auto bytes = encodeFrame({MessageType::Metadata, false, std::string(0x12344, ' ')});
    EXPECT_EQ(bytes.substr(0, 8), std::string("\x46\x23\x01\0\0\0\0\0", 8));
}

TEST(FrameDecoder, ReadsAFrameSplitAnywhere) {
    for (const auto type : {MessageType::Connection, MessageType::Metadata, MessageType::Notify, MessageType::Probe}) {
        const auto bytes = encodeFrame({type, false, R"({"name":"x"})"});
        for (std::size_t split = 0; split <= bytes.size(); ++split) {
            const auto frame = decodeSplit(bytes, split);
            EXPECT_EQ(frame.type, type);
            EXPECT_FALSE(frame.old_format);
            EXPECT_EQ(frame.json, "{\"name\":\"x\"}\n");
        }
    }
}

TEST(FrameDecoder, ReadsAnOldFrameSplitAnywhere) {
    const auto bytes = encodeFrame({MessageType::Connection, true, "{}"});
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        const auto frame = decodeSplit(bytes, split);
        EXPECT_EQ(frame.type, MessageType::Connection);
        EXPECT_TRUE(frame.old_format);
        EXPECT_EQ(frame.json, "{}\n");
    }
}

TEST(FrameDecoder, ReadsByteByByteAndStopsAtTheEnd) {
    const auto bytes = encodeFrame({MessageType::Probe, false, "{}"});
    FrameDecoder decoder(1024);
    for (const char byte : bytes) {
        EXPECT_FALSE(decoder.complete());
        EXPECT_EQ(decoder.feed({&byte, 1}).value(), 1);
    }
    EXPECT_TRUE(decoder.complete());
    EXPECT_EQ(decoder.feed("surplus").value(), 0);
    EXPECT_EQ(decoder.take().json, "{}\n");
}

TEST(FrameDecoder, LeavesWhatFollowsTheFrame) {
    const auto bytes = encodeFrame({MessageType::Probe, false, "{}"});
    FrameDecoder decoder(1024);
    EXPECT_EQ(decoder.feed(bytes + bytes).value(), bytes.size());
}

TEST(FrameDecoder, TakesTypeFourForTheOldFormat) {
    const auto frame = decodeSplit(wireFrame("\x04{}"), 3);
    EXPECT_TRUE(frame.old_format);
    EXPECT_EQ(frame.json, "\x04{}");
}

TEST(FrameDecoder, ReadsATypeWithoutJson) {
    EXPECT_EQ(decodeSplit(wireFrame("\x03"), 8).json, "");
}

TEST(FrameDecoder, RefusesLengthsOutOfBounds) {
    const auto refuse = [](std::uint64_t length) {
        FrameDecoder decoder(1024);
        const auto taken = decoder.feed(wireLength(length));
        EXPECT_EQ(taken.error().code, ErrorCode::Protocol) << length;
        return taken.error().message;
    };
    EXPECT_THAT(refuse(0), HasSubstr("length 0"));
    for (const std::uint64_t length : {1025ULL, 1ULL << 32, 1ULL << 63, ~0ULL}) {
        EXPECT_THAT(refuse(length), HasSubstr("above the limit of 1024"));
    }
    FrameDecoder decoder(1024);
    EXPECT_TRUE(decoder.feed(wireLength(1024)));
}

TEST(FrameDecoder, RefusesImpossibleTypes) {
    for (const int type : {0x80, 0xfe, 0xff}) {
        FrameDecoder decoder(1024);
        const auto taken = decoder.feed(wireFrame(std::string(1, static_cast<char>(type)) + "{}"));
        EXPECT_EQ(taken.error().code, ErrorCode::Protocol);
        EXPECT_THAT(taken.error().message, HasSubstr(std::to_string(type)));
    }
}

}  // namespace
}  // namespace mc::metadata
