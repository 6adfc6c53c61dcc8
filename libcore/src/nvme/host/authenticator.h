#pragma once

#include <functional>
#include <vector>

#include "mc/error.h"

#include "nvme/auth/host_authentication.h"
#include "nvme/host/admin_channel.h"

namespace mc::nvme::host {

/// Carries the messages by which a queue's host and controller prove to each other who they are.
class Authenticator {
  public:
    using Proved = std::move_only_function<void()>;

    /// `proved` is called when all is proved, `fail` when something is not; afterwards the queue is to be closed.
    Authenticator(AdminChannel& channel, const HostAuthenticationOptions& options, Proved proved,
                  AdminChannel::Fail fail);
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;
    ~Authenticator() = default;

    void start() { proceed(); }

  private:
    void proceed();
    void send();
    void receive();
    void failed();

    AdminChannel& channel_;
    HostAuthentication authentication_;
    const std::string subsystem_nqn_;
    Proved proved_;
    AdminChannel::Fail fail_;
    std::vector<std::byte> message_;
};

}  // namespace mc::nvme::host
