#include "nvme/host/admin_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "nvme/host/status.h"

namespace mc::nvme::host {

void AdminChannel::run(const AdminCommand& command, Then then) {
    if (queue_.state() != Queue::State::Open) return;
    if (queue_.full()) {
        fail_(Error{ErrorCode::Protocol, fmt::format("{}: {}: no room in the queue", queue_.name(), command.name), {}});
        return;
    }
    if (command.to_host) std::ranges::fill(command.data, std::byte{});
    auto pending = std::make_unique<Pending>(this, command, std::move(then));
    queue_.submit({.entry = command.entry,
                   .data = command.data,
                   .to_host = command.to_host,
                   .patient = command.patient,
                   .may_be_short = true,
                   .done = &onAnswer,
                   .context = pending.release()});
    queue_.flush();
}

void AdminChannel::onAnswer(void* context, const CompletionEntry* answer) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(context));
    if (answer == nullptr) return;
    if (answer->statusCode() == 0 || pending->command.may_fail) {
        pending->then(*answer);
        return;
    }
    const Queue& queue = pending->channel->queue_;
    pending->channel->fail_(
        Error{ErrorCode::Protocol,
              fmt::format("{}: {}: {}", queue.name(), pending->command.name, statusText(answer->statusCode())),
              {}});
}

}  // namespace mc::nvme::host
