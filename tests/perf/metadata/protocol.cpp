#include "protocol.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace mc::perf {
namespace {

std::size_t numberAfter(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    std::size_t number = 0;
    if (at != std::string_view::npos) {
        std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
    }
    return number;
}

class Http : public Protocol {
  public:
    std::string get(const std::string& key) const override {
        return fmt::format("GET /metadata?key={} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", key);
    }
    std::string set(const std::string& key, const std::string& value) const override {
        return fmt::format(
            "PUT /metadata?key={} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Content-Length: {}\r\n\r\n{}",
            key, value.size(), value);
    }
    std::size_t replyLength(std::string_view bytes) const override {
        const auto end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        const std::size_t length = end + 4 + numberAfter(bytes.substr(0, end + 2), "Content-Length: ");
        return bytes.size() < length ? 0 : length;
    }
    bool isGood(std::string_view reply, std::size_t value_size) const override {
        return reply.starts_with("HTTP/1.1 200") &&
               (value_size == 0 || numberAfter(reply, "Content-Length: ") == value_size);
    }
};

class Redis : public Protocol {
  public:
    std::string get(const std::string& key) const override {
        return fmt::format("*2\r\n$3\r\nGET\r\n${}\r\n{}\r\n", key.size(), key);
    }
    std::string set(const std::string& key, const std::string& value) const override {
        return fmt::format("*3\r\n$3\r\nSET\r\n${}\r\n{}\r\n${}\r\n{}\r\n", key.size(), key, value.size(), value);
    }
    std::size_t replyLength(std::string_view bytes) const override {
        const auto end = bytes.find("\r\n");
        if (end == std::string_view::npos) return 0;
        if (!bytes.starts_with('$') || bytes.starts_with("$-")) return end + 2;
        const std::size_t length = end + 2 + numberAfter(bytes, "$") + 2;
        return bytes.size() < length ? 0 : length;
    }
    bool isGood(std::string_view reply, std::size_t value_size) const override {
        return value_size == 0 ? reply.starts_with("+OK") : numberAfter(reply, "$") == value_size;
    }
};

std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

class Etcd : public Http {
  public:
    std::string get(const std::string& key) const override {
        return post("range", fmt::format(R"({{"key":"{}"}})", base64(key)));
    }
    std::string set(const std::string& key, const std::string& value) const override {
        return post("put", fmt::format(R"({{"key":"{}","value":"{}"}})", base64(key), base64(value)));
    }
    bool isGood(std::string_view reply, std::size_t value_size) const override {
        return reply.starts_with("HTTP/1.1 200") && reply.size() > value_size;
    }

  private:
    static std::string post(std::string_view verb, const std::string& body) {
        return fmt::format("POST /v3/kv/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{}", verb,
                           body.size(), body);
    }
};

}  // namespace

std::unique_ptr<Protocol> protocolNamed(std::string_view name) {
    if (name == "http") return std::make_unique<Http>();
    if (name == "redis") return std::make_unique<Redis>();
    if (name == "etcd") return std::make_unique<Etcd>();
    return nullptr;
}

}  // namespace mc::perf
