#include "transport/nvmeof/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace mc::nvmeof {

using nvme::HostController;
using nvme::HostRequest;

Lane::Lane(LaneContext& context, RemoteTargetBox& target, const NvmeofOptions& options)
    : context_(context), target_(target), options_(options), requests_(options.queue_entries - 1U) {
    for (Request& request : requests_) {
        request.done = &onDone;
        request.context = this;
        request.next_free = std::exchange(free_, &request);
    }
}

Lane::~Lane() {
    if (retry_timer_ != 0) context_.loop.cancel(retry_timer_);
}

void Lane::pump() {
    if (queue_.empty()) return;
    if (controller_ && controller_->state() != HostController::State::Ready && target_version_ != target_.version()) {
        abandon();  // The peer is somewhere else now.
        not_before_ = {};
    }
    if (!controller_) {
        if (SteadyClock::now() < not_before_) return;
        connect();
    }
    if (controller_->state() != HostController::State::Ready) return;
    submitQueued();
    controller_->flush();
}

void Lane::connect() {
    target_version_ = target_.version();
    const auto target = target_.get();
    nvme::HostOptions options;
    options.host_nqn = options_.self.nqn;
    options.key = options_.self.key;
    options.controller_key = options_.self.controller_key;
    options.header_digest = options_.header_digest;
    options.data_digest = options_.data_digest;
    options.congestion = options_.congestion;
    options.io_queues = 1;
    options.queue_entries = options_.queue_entries;
    options.loss_timeout = options_.loss_timeout;
    options.reconnect_delay = std::chrono::milliseconds(100);
    controller_ = HostController::start(context_.loop, *this, target->addresses, target->subsystem_nqn, options);
}

bool Lane::connecting() const {
    return controller_ && controller_->state() == HostController::State::Connecting;
}

void Lane::onState(HostController::State state, const Error* cause) {
    const bool ready = state == HostController::State::Ready;
    if (ready != std::exchange(counted_, ready)) {
        ready ? context_.connections.fetch_add(1, std::memory_order_relaxed)
              : context_.connections.fetch_sub(1, std::memory_order_relaxed);
    }
    if (ready) {
        target_.show(controller_->congestionControl());
        refusal_told_ = false;
        submitQueued();  // The controller sends after this.
        return;
    }
    loss_ = *cause;
    if (state == HostController::State::Reconnecting) {
        log::warning("nvmeof: {}; reconnecting", loss_.message);
        return;
    }
    bury();
    backOff();
    retryQueue();
}

// Not destroyed at once: it may be calling.
void Lane::bury() {
    if (std::exchange(counted_, false)) context_.connections.fetch_sub(1, std::memory_order_relaxed);
    context_.graveyard.emplace_back(std::move(controller_));
}

// Takes everything back from the controller.
void Lane::abandon() {
    abandoning_ = true;
    controller_->cancel();
    abandoning_ = false;
    bury();
}

void Lane::submitQueued() {
    while (!queue_.empty() && free_ != nullptr) {
        Request& request = *std::exchange(free_, free_->next_free);
        Slice& slice = *queue_.pop();
        request.slice = &slice;
        request.kind = slice.opcode == Opcode::Read ? HostRequest::Kind::Read : HostRequest::Kind::Write;
        request.nsid = slice.file_id;
        request.offset = slice.remote;
        request.length = slice.length;
        request.data = slice.local;
        controller_->submit(request);
    }
}

void Lane::onDone(HostRequest& request) {
    static_cast<Lane*>(request.context)->onEnded(static_cast<Request&>(request));
}

void Lane::onEnded(Request& request) {
    Slice& slice = *std::exchange(request.slice, nullptr);
    request.next_free = std::exchange(free_, &request);
    switch (request.outcome) {
        case HostRequest::Outcome::Completed:
            failures_ = 0;
            context_.finish(slice, TaskStatus::COMPLETED, true, SteadyClock::now());
            break;
        case HostRequest::Outcome::Rejected:
            failures_ = 0;
            if (!std::exchange(refusal_told_, true)) {
                log::warning("nvmeof: {}: a request to file {} was refused with status {:#x}",
                             target_.get()->subsystem_nqn, slice.file_id, request.status);
            }
            context_.finish(slice, TaskStatus::FAILED, false, SteadyClock::now());
            break;
        case HostRequest::Outcome::Lost:
            retryOrFail(slice);
            return;
        case HostRequest::Outcome::Canceled:
            if (abandoning_) {
                queue_.push(&slice);
                return;
            }
            context_.finish(slice, TaskStatus::CANCELED, false, SteadyClock::now());
            return;
    }
    if (controller_ && controller_->state() == HostController::State::Ready) submitQueued();
}

// A write that was lost may have been applied, or may be still: the same bytes written once more change nothing.
void Lane::retryOrFail(Slice& slice) {
    const auto now = SteadyClock::now();
    const bool timed_out = loss_.code == ErrorCode::TimedOut || now >= slice.deadline;
    if (slice.retries_left > 0 && !timed_out) {
        --slice.retries_left;
        queue_.push(&slice);
    } else {
        context_.finish(slice, timed_out ? TaskStatus::TIMEOUT : TaskStatus::FAILED, false, now);
    }
}

void Lane::retryQueue() {
    SliceQueue waiting = std::exchange(queue_, SliceQueue{});
    while (!waiting.empty()) {
        retryOrFail(*waiting.pop());
    }
}

// The first loss after an answer is repaired at once, the next ones later and later; the timer sees to it, whoever
// else does.
void Lane::backOff() {
    constexpr unsigned kMostDoublings = 6;
    constexpr std::chrono::milliseconds kFirstPause{10};
    const unsigned failures = failures_++;
    if (failures == 0) {
        log::warning("nvmeof: {}", loss_.message);
        if (!loss_.hint.empty()) log::warning("hint: {}", loss_.hint);
    }
    const unsigned factor = failures == 0 ? 0 : 1U << std::min(failures - 1, kMostDoublings);
    not_before_ = SteadyClock::now() + kFirstPause * factor;
    if (retry_timer_ != 0) context_.loop.cancel(retry_timer_);
    retry_timer_ = context_.loop.at(not_before_, [this] {
        retry_timer_ = 0;
        pump();
    });
}

void Lane::checkDeadlines(SteadyClock::time_point now) {
    const bool late = controller_ && std::ranges::any_of(requests_, [now](const Request& request) {
                          return request.slice != nullptr && now >= request.slice->deadline;
                      });
    if (late && controller_->state() == HostController::State::Ready) {
        // Only without a connection nothing can touch the caller's memory any more.
        controller_->drop(
            {ErrorCode::Unavailable, fmt::format("{}: a request's time is over", target_.get()->subsystem_nqn), {}});
    } else if (late) {
        abandon();
    }
    expireQueued(now);
    if (!controller_ || target_version_ != target_.version()) pump();
}

void Lane::expireQueued(SteadyClock::time_point now) {
    SliceQueue waiting = std::exchange(queue_, SliceQueue{});
    while (!waiting.empty()) {
        Slice& slice = *waiting.pop();
        if (now >= slice.deadline) {
            context_.finish(slice, TaskStatus::TIMEOUT, false, now);
        } else {
            queue_.push(&slice);
        }
    }
}

void Lane::cancel() {
    if (controller_) {
        controller_->cancel();
        bury();
    }
    const auto now = SteadyClock::now();
    while (!queue_.empty()) {
        context_.finish(*queue_.pop(), TaskStatus::CANCELED, false, now);
    }
}

}  // namespace mc::nvmeof
