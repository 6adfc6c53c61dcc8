#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "base/fd.h"
#include "io/socket.h"
#include "io/tuning.h"

namespace mc::test {

/// An address of this machine that neither takes nor refuses a connection: a listener whose queue is full.
class BlackHole {
  public:
    explicit BlackHole(const std::string& host = "127.0.0.1") {
        auto listener = io::listenOn(io::resolve(host, 0)->front(), 0);
        EXPECT_TRUE(listener);
        listener_ = std::move(*listener);
        while (queued() == 0) {
            waiting_.push_back(std::move(*io::startConnect(address(), "system")));
            ::usleep(1000);
        }
    }
    io::SocketAddress address() const { return io::localAddress(listener_); }

  private:
    // How many of the listener's connections wait to be accepted; one fills it.
    unsigned queued() const {
        tcp_info info{};
        socklen_t length = sizeof(info);
        ::getsockopt(listener_.get(), IPPROTO_TCP, TCP_INFO, &info, &length);
        return info.tcpi_unacked;
    }

    FileDescriptor listener_;
    std::vector<FileDescriptor> waiting_;
};

}  // namespace mc::test
