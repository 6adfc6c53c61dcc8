#include "transport/nvmeof/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "io/page_receiver.h"
#include "nvme/host/status.h"

namespace mc::nvmeof {

using nvme::HostController;
using nvme::HostRequest;

namespace {

HostRequest::Kind kindOf(Opcode opcode) {
    switch (opcode) {
        case Opcode::Read:
            return HostRequest::Kind::Read;
        case Opcode::Write:
            return HostRequest::Kind::Write;
        case Opcode::Flush:
            break;
    }
    return HostRequest::Kind::Flush;
}

}  // namespace

Lane::Lane(LaneContext& context, RemoteTargetBox& target, const NvmeofOptions& options,
           std::shared_ptr<nvme::SharedState> shared)
    : context_(context),
      target_(target),
      options_(options),
      shared_(std::move(shared)),
      requests_(options.queue_entries - 1U),
      backoff_(context.loop, "nvmeof") {
    for (Request& request : requests_) {
        request.done = &onDone;
        request.context = this;
        request.next_free = std::exchange(free_, &request);
    }
}

void Lane::pump() {
    if (queue_.empty()) return;
    if (controller_ && controller_->state() != HostController::State::Ready && target_version_ != target_.version()) {
        abandon();  // The peer is somewhere else now.
        backoff_.skip();
    }
    if (!controller_) {
        if (backoff_.waits()) return;
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
    options.key_option = options_.host_key_option;
    options.controller_key_option = options_.controller_key_option;
    options.header_digest = options_.header_digest;
    options.data_digest = options_.data_digest;
    options.congestion = options_.congestion;
    options.io_queues = 1;
    options.queue_entries = options_.queue_entries;
    options.loss_timeout = options_.loss_timeout;
    options.reconnect_delay = std::chrono::milliseconds(100);
    controller_ =
        HostController::start(context_.loop, *this, target->addresses, target->subsystem_nqn, options, shared_);
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
        onNamespaces();
        refusal_told_ = false;
        submitQueued();  // The controller sends after this.
        return;
    }
    loss_ = *cause;
    target_.showProblem(loss_);
    if (state == HostController::State::Reconnecting) {
        log::warning("nvmeof: {}; reconnecting", loss_.message);
        return;
    }
    if (nvme::isRefusal(loss_)) target_.showRefusal(loss_);
    bury();
    backoff_.failed(loss_, [this] { pump(); });
    retryQueue();
}

void Lane::onNamespaces() {
    std::vector<FileBufferID> read_only;
    for (const nvme::NamespaceInfo& file : controller_->namespaces()) {
        if (file.read_only) read_only.push_back(file.nsid);
    }
    target_.showReadOnly(std::move(read_only));
}

void Lane::onReplaced(const Error& error) {
    log::warning("nvmeof: {}", error.message);
    target_.showRefusal(error);
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
        request.kind = kindOf(slice.opcode);
        request.nsid = slice.file_id;
        request.offset = slice.remote;
        request.length = slice.opcode == Opcode::Flush ? 0 : slice.length;  // A namespace is flushed as a whole.
        request.data = slice.local;
        request.pages = std::exchange(slice.pages, nullptr);  // Once; what is tried again goes to memory.
        controller_->submit(request);
    }
}

void Lane::onDone(HostRequest& request) {
    static_cast<Lane*>(request.context)->onEnded(static_cast<Request&>(request));
}

void Lane::onEnded(Request& request) {
    Slice& slice = *std::exchange(request.slice, nullptr);
    request.next_free = std::exchange(free_, &request);
    if (request.pages != nullptr && request.outcome != HostRequest::Outcome::Completed) request.pages->clear();
    switch (request.outcome) {
        case HostRequest::Outcome::Completed:
            backoff_.reset();
            context_.finish(slice, TaskStatus::COMPLETED, true, SteadyClock::now());
            break;
        case HostRequest::Outcome::Rejected:
            backoff_.reset();
            onRejected(slice, request);
            break;
        case HostRequest::Outcome::Replaced:
            backoff_.reset();
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

// A refusal that is not for good is tried again, later and later; in `checkDeadlines`, which is called often enough.
void Lane::onRejected(Slice& slice, const HostRequest& request) {
    constexpr std::chrono::milliseconds kFirstPause{10};
    constexpr unsigned kMostDoublings = 7;
    const auto now = SteadyClock::now();
    const bool tries_again = request.may_retry && slice.retries_left > 0;
    const bool told = std::exchange(refusal_told_, true);
    if (!told || !tries_again) {
        const std::string refused =
            fmt::format("{}: a request to file {} was refused with status {:#x} ({})", target_.get()->subsystem_nqn,
                        slice.file_id, request.status, nvme::host::statusWords(request.status));
        if (!told) log::warning("nvmeof: {}{}", refused, request.may_retry ? "; trying again" : "");
        if (!tries_again)
            target_.showProblem({ErrorCode::Negative, refused, std::string(nvme::host::statusHint(request.status))});
    }
    if (!tries_again) {
        return context_.finish(slice, TaskStatus::FAILED, false, now);
    }
    --slice.retries_left;
    const unsigned refusals = slice.refusals++;
    postponed_.push_back({&slice, now + kFirstPause * (1U << std::min(refusals, kMostDoublings))});
}

void Lane::retryPostponed(SteadyClock::time_point now) {
    std::erase_if(postponed_, [&](const Postponed& postponed) {
        const bool due = now >= std::min(postponed.until, postponed.slice->deadline);
        if (due) queue_.push(postponed.slice);
        return due;
    });
}

// A write that was lost may have been applied, or may be still: the same bytes written once more change nothing.
void Lane::retryOrFail(Slice& slice) {
    const auto now = SteadyClock::now();
    const bool timed_out = loss_.code == ErrorCode::TimedOut || now >= slice.deadline;
    if (slice.retries_left > 0 && !timed_out && !nvme::isRefusal(loss_)) {
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
    retryPostponed(now);
    for (SliceQueue overdue = queue_.takeOverdue(now); !overdue.empty();) {
        context_.finish(*overdue.pop(), TaskStatus::TIMEOUT, false, now);
    }
    pump();
}

void Lane::cancel() {
    if (controller_) {
        controller_->cancel();
        bury();
    }
    for (const Postponed& postponed : postponed_) {
        queue_.push(postponed.slice);
    }
    postponed_.clear();
    const auto now = SteadyClock::now();
    while (!queue_.empty()) {
        context_.finish(*queue_.pop(), TaskStatus::CANCELED, false, now);
    }
}

}  // namespace mc::nvmeof
