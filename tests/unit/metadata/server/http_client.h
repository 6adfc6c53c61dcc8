#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/socket.h"

namespace mc::metadata::server {

struct HttpResponse {
    unsigned status = 0;  ///< 0: none came.
    std::map<std::string, std::string, std::less<>> headers;
    std::string body;

    std::string header(std::string_view name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

/// A connection to a server on loopback; blocking, a minute without a byte ends a read.
class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = io::resolve("127.0.0.1", port)->front();
        connected_ = ::connect(socket_.get(), address.get(), address.length()) == 0;
        const timeval minute{60, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
    }

    bool connected() const { return connected_; }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    bool sendRequest(std::string_view method, std::string_view target, std::string_view body = {},
                     std::string_view headers = {}) {
        std::string text = std::string(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: x\r\n");
        text.append(headers);
        if (!body.empty() || method == "PUT") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return send(text.append("\r\n").append(body));
    }

    HttpResponse request(std::string_view method, std::string_view target, std::string_view body = {},
                         std::string_view headers = {}) {
        if (!sendRequest(method, target, body, headers)) return {};
        return readResponse(method == "HEAD");
    }

    /// The head, and the body unless it is chunked.
    HttpResponse readResponse(bool head_only = false) {
        HttpResponse response;
        const auto status_line = readLine();
        if (!status_line || status_line->size() < 12) return response;
        std::from_chars(status_line->data() + 9, status_line->data() + 12, response.status);
        for (auto line = readLine(); line && !line->empty(); line = readLine()) {
            const auto colon = line->find(": ");
            if (colon != std::string::npos) response.headers[line->substr(0, colon)] = line->substr(colon + 2);
        }
        const std::string length = response.header("Content-Length");
        if (length.empty() || head_only) return response;
        const std::size_t wanted = std::stoull(length);
        while (buffer_.size() < wanted && fill()) {
        }
        response.body = buffer_.substr(0, wanted);
        buffer_.erase(0, wanted);
        return response;
    }

    /// The next chunk of a chunked body; nothing at its end.
    std::optional<std::string> readChunk() {
        const auto size = readLine();
        if (!size) return std::nullopt;
        const std::size_t wanted = std::stoull(*size, nullptr, 16);
        while (buffer_.size() < wanted + 2 && fill()) {
        }
        std::string chunk = buffer_.substr(0, wanted);
        buffer_.erase(0, wanted + 2);
        if (wanted == 0) return std::nullopt;
        return chunk;
    }

    /// The next line of a chunked body that is not empty; nothing at its end.
    std::optional<std::string> readStreamLine() {
        for (;;) {
            const auto end = stream_.find('\n');
            if (end == std::string::npos) {
                const auto chunk = readChunk();
                if (!chunk) return std::nullopt;
                stream_ += *chunk;
                continue;
            }
            std::string line = stream_.substr(0, end);
            stream_.erase(0, end + 1);
            if (!line.empty()) return line;
        }
    }

    /// True once the peer has closed; waits for it.
    bool readsEnd() {
        while (fill()) {
        }
        return ended_;
    }

  private:
    bool fill() {
        std::array<char, 65536> bytes{};
        const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;
        if (got <= 0) return false;
        buffer_.append(bytes.data(), static_cast<std::size_t>(got));
        return true;
    }

    std::optional<std::string> readLine() {
        for (auto end = buffer_.find("\r\n");; end = buffer_.find("\r\n")) {
            if (end != std::string::npos) {
                std::string line = buffer_.substr(0, end);
                buffer_.erase(0, end + 2);
                return line;
            }
            if (!fill()) return std::nullopt;
        }
    }

    FileDescriptor socket_;
    bool connected_ = false;
    bool ended_ = false;
    std::string buffer_;
    std::string stream_;
};

}  // namespace mc::metadata::server
