#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "metadata/handshake_client.h"
#include "metadata/handshake_daemon.h"
#include "metadata/wire.h"

namespace mc::metadata {

/// A daemon on a free port of the loopback interface.
class DaemonFixture : public testing::Test {
  protected:
    void start(const HandshakeDaemonOptions& options = {}) {
        std::vector<FileDescriptor> listeners;
        listeners.push_back(io::listenOn(loopback(), 512).value());
        port_ = io::localAddress(listeners.back()).port();
        daemon_ = HandshakeDaemon::start(std::move(listeners), options).value();
    }

    /// The reply to a Probe without its newline, or the error.
    std::string probe() {
        auto reply = callHandshake("127.0.0.1", port_, MessageType::Probe, "{}");
        if (!reply) return reply.error().message;
        return reply->substr(0, reply->find('\n'));
    }

    std::uint16_t port_ = 0;
    std::unique_ptr<HandshakeDaemon> daemon_;
};

}  // namespace mc::metadata
