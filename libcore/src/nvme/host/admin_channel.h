#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "mc/error.h"

#include "nvme/host/queue.h"

namespace mc::nvme::host {

/// A command outside of the data path.
struct AdminCommand {
    std::string_view name;  ///< For messages; lasts.
    SubmissionEntry entry;
    std::span<std::byte> data;  ///< Until the answer.
    bool to_host = false;
    bool may_fail = false;  ///< `then` looks at the status; else any but success ends the association.
    bool patient = false;
};

/// Sends commands on a queue and calls back with their answers. Where the connection is lost, nobody is called.
class AdminChannel {
  public:
    using Then = std::move_only_function<void(const CompletionEntry& answer)>;
    using Fail = std::move_only_function<void(const Error& error)>;

    /// `fail` is told of commands that the controller refused.
    AdminChannel(Queue& queue, Fail fail) : queue_(queue), fail_(std::move(fail)) {}
    AdminChannel(const AdminChannel&) = delete;
    AdminChannel& operator=(const AdminChannel&) = delete;
    ~AdminChannel() = default;

    void run(const AdminCommand& command, Then then);
    Queue& queue() { return queue_; }

  private:
    struct Pending {
        AdminChannel* channel;
        AdminCommand command;
        Then then;
    };
    static void onAnswer(void* context, const CompletionEntry* answer);

    Queue& queue_;
    Fail fail_;
};

}  // namespace mc::nvme::host
