#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "nvme/auth/host_authentication.h"
#include "nvme/host/admin_channel.h"

namespace mc::nvme::host {

/// Carries the messages by which a queue's host and controller prove to each other who they are.
class Authenticator {
  public:
    using Proved = std::move_only_function<void()>;
    struct Options {
        HostAuthenticationOptions handshake;
        std::string host_key_option;        ///< By what a program's user names the file of the key, for hints.
        std::string controller_key_option;  ///< The same of the controller's.
    };

    /// `proved` is called when all is proved, `fail` when something is not; afterwards the queue is to be closed.
    Authenticator(AdminChannel& channel, const Options& options, Proved proved, AdminChannel::Fail fail);
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;
    ~Authenticator() = default;

    void start() { proceed(); }
    const Queue& queue() const { return channel_.queue(); }
    /// Why the controller has ended the connection, where that is known better than by the connection: some end it
    /// instead of saying that our proof is wrong, as the Linux kernel's target does, or before they have taken why
    /// theirs is.
    std::optional<Error> reasonOfEnd() const;

  private:
    void proceed();
    void send();
    void receive();
    Error refused(std::string_view reason, HostAuthentication::KeyInDoubt key) const;
    Error failure() const;
    std::string optionsOf(HostAuthentication::KeyInDoubt key) const;

    AdminChannel& channel_;
    HostAuthentication authentication_;
    const std::string host_nqn_;
    const std::string subsystem_nqn_;
    const std::string host_key_option_;
    const std::string controller_key_option_;
    Proved proved_;
    AdminChannel::Fail fail_;
    std::vector<std::byte> message_;
};

}  // namespace mc::nvme::host
