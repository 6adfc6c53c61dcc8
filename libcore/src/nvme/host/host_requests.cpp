// What the controller makes of requests.
#include <nvme/types.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "nvme/host/host_controller.h"

namespace mc::nvme::host {
namespace {

constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 16;  // Of a command, by its number of blocks.

bool fits(const HostRequest& request, const NamespaceInfo* space) {
    if (space == nullptr) return false;
    return request.kind == HostRequest::Kind::Flush ||
           (request.offset <= space->size && request.length <= space->size - request.offset);
}

// Whether what was cut for blocks of a namespace fits to those that it has now.
bool goesOnWith(const HostRequest& request, std::uint32_t block_size) {
    if (!request.part && request.issued == 0) return true;
    return (request.offset + request.issued) % block_size == 0 && (request.length - request.issued) % block_size == 0;
}

}  // namespace

void Controller::submit(HostRequest& request) {
    request.controller = this;
    request.outcome = HostRequest::Outcome::Completed;
    request.status = 0;
    request.may_retry = false;
    request.issued = 0;
    request.outstanding = 0;
    request.asked_again = false;
    (request.part ? parts_ : waiting_).push(request);
}

void Controller::flush() {
    if (state_ == State::Gone) return endWaiting(HostRequest::Outcome::Lost);
    pump();
    if (live()) association_->flush();
}

void Controller::onServed(Association& /*association*/) {
    flush();
}

void Controller::pump() {
    if (std::exchange(pumping_, true)) return;
    const auto is_being_written = [this](const auto&... range) { return isBeingWritten(range...); };
    while (live()) {
        if (parts_.empty() && unaligned_.beginGranted(is_being_written)) continue;
        RequestList& list = parts_.empty() ? waiting_ : parts_;
        if (list.empty() || !issue(list)) break;
    }
    pumping_ = false;
}

// Makes commands of the first request of a list. False: there is no room, or it has to wait.
bool Controller::issue(RequestList& list) {
    HostRequest& request = list.front();
    if (request.outcome != HostRequest::Outcome::Completed) {  // One of its commands has failed already.
        list.pop();
        request.issued = request.length;
        if (request.outstanding == 0) request.done(request);
        return true;
    }
    const NamespaceInfo* const space = find(request.nsid);
    if (request.issued == 0) {
        if (!fits(request, space)) {
            refuseOrAsk(list.pop());
            return true;
        }
        if (request.kind != HostRequest::Kind::Flush && request.length == 0) {
            list.pop();
            request.done(request);
            return true;
        }
        if (request.kind != HostRequest::Kind::Flush && !request.part) {
            const bool unaligned = request.offset % space->block_size != 0 || request.length % space->block_size != 0;
            if (request.kind == HostRequest::Kind::Write && hasToWait(request, space->block_size, unaligned))
                return false;
            if (unaligned) {
                unaligned_.begin(list.pop(), space->block_size);
                return true;
            }
        }
    }
    if (space == nullptr || !goesOnWith(request, space->block_size)) {  // It has gone meanwhile, or is another one.
        request.outcome = HostRequest::Outcome::Rejected;
        request.status = NVME_SC_INVALID_NS;
        request.may_retry = false;
        return true;
    }
    if (!issueCommands(request, space->block_size)) return false;
    list.pop();
    return true;
}

// False: not all of it found room.
bool Controller::issueCommands(HostRequest& request, std::uint32_t block_size) {
    static constexpr std::array<std::uint8_t, 3> kOpcodes{nvme_cmd_read, nvme_cmd_write, nvme_cmd_flush};
    const std::uint64_t blocks =
        std::clamp<std::uint64_t>(association_->maxTransferBytes() / block_size, 1, kMostBlocks);
    do {
        Queue* const queue = association_->queueWithRoom();
        if (queue == nullptr) return false;
        const std::uint64_t length = std::min(request.length - request.issued, blocks * block_size);
        Submission submission{.entry = {},
                              .data = {},
                              .to_host = request.kind == HostRequest::Kind::Read,
                              .done = &onAnswer,
                              .context = &request};
        submission.entry.opcode = kOpcodes[static_cast<std::size_t>(request.kind)];
        submission.entry.nsid = request.nsid;
        if (length > 0) {
            const std::uint64_t first = (request.offset + request.issued) / block_size;
            submission.data = {request.data + request.issued, length};
            if (length == request.length) submission.pages = request.pages;
            submission.entry.cdw10 = static_cast<std::uint32_t>(first);
            submission.entry.cdw11 = static_cast<std::uint32_t>(first >> 32U);
            submission.entry.cdw12 = static_cast<std::uint32_t>((length / block_size) - 1);
        }
        queue->submit(submission);
        request.issued += length;
        ++request.outstanding;
    } while (request.issued < request.length);
    return true;
}

void Controller::onAnswer(void* context, const CompletionEntry* answer) {
    auto& request = *static_cast<HostRequest*>(context);
    --request.outstanding;
    if (answer == nullptr) {
        const auto& controller = static_cast<const Controller&>(*request.controller);
        request.outcome = controller.canceled_ ? HostRequest::Outcome::Canceled : HostRequest::Outcome::Lost;
    } else if (answer->statusCode() != 0) {
        // Of several commands, one that will never do decides.
        const bool first = request.outcome == HostRequest::Outcome::Completed;
        request.may_retry = !answer->doNotRetry() && (first || request.may_retry);
        request.outcome = HostRequest::Outcome::Rejected;
        request.status = answer->statusCode();
    }
    // One that is not wholly issued is still in its list.
    if (request.outstanding == 0 && request.issued == request.length) request.done(request);
}

const NamespaceInfo* Controller::find(std::uint32_t nsid) {
    if (last_found_ < namespaces_.size() && namespaces_[last_found_].nsid == nsid) return &namespaces_[last_found_];
    const auto found = std::ranges::lower_bound(namespaces_, nsid, {}, &NamespaceInfo::nsid);
    if (found == namespaces_.end() || found->nsid != nsid) return nullptr;
    last_found_ = static_cast<std::size_t>(found - namespaces_.begin());
    return &*found;
}

// What is known of the namespaces may be old: a request that does not fit makes them be read again, once.
void Controller::refuseOrAsk(HostRequest& request) {
    if (request.asked_again) {
        const bool replaced = std::ranges::find(replaced_, request.nsid, &Replaced::nsid) != replaced_.end();
        request.outcome = replaced ? HostRequest::Outcome::Replaced : HostRequest::Outcome::Rejected;
        request.status = find(request.nsid) == nullptr ? NVME_SC_INVALID_NS : NVME_SC_LBA_RANGE;
        request.done(request);
        return;
    }
    strangers_.push(request);
    if (asking_.empty() && !association_->readingNamespaces()) askForStrangers();
}

void Controller::askForStrangers() {
    asking_.append(strangers_);
    association_->readNamespaces();
}

// Of writes: one that goes to a block of which another writes only a part, or that does so itself.
bool Controller::hasToWait(const HostRequest& request, std::uint32_t block_size, bool unaligned) const {
    if (unaligned_.empty() && !unaligned) return false;
    const std::uint64_t end = request.offset + request.length;
    const NamespaceRange range{.nsid = request.nsid,
                               .begin = request.offset - (request.offset % block_size),
                               .end = (end + block_size - 1) / block_size * block_size};
    return unaligned_.writeTo(range) || (unaligned && isBeingWritten(range, block_size));
}

bool Controller::isBeingWritten(const NamespaceRange& range, std::uint32_t block_size) const {
    const auto writes_there = [&](const Command& command) {
        if (!command.busy) return false;
        CapsuleCommand capsule;
        std::memcpy(&capsule, command.capsule.header, sizeof(capsule));
        const std::uint64_t begin = capsule.command.startingBlock() * block_size;
        return capsule.command.opcode == nvme_cmd_write &&
               range.overlaps({.nsid = capsule.command.nsid, .begin = begin, .end = begin + command.length});
    };
    if (!waiting_.empty()) {
        const HostRequest& first = waiting_.front();  // Some of its commands may not have found room yet.
        if (first.issued > 0 && first.kind == HostRequest::Kind::Write &&
            range.overlaps(
                {.nsid = first.nsid, .begin = first.offset + first.issued, .end = first.offset + first.length}))
            return true;
    }
    return std::ranges::any_of(association_->queues(),
                               [&](const auto& queue) { return std::ranges::any_of(queue->commands(), writes_there); });
}

void Controller::endPartlyIssued() {
    if (waiting_.empty() || waiting_.front().outcome == HostRequest::Outcome::Completed) return;
    HostRequest& request = waiting_.pop();
    request.done(request);
}

void Controller::end(RequestList& list, HostRequest::Outcome outcome) {
    RequestList ended = std::exchange(list, RequestList{});
    while (!ended.empty()) {
        HostRequest& request = ended.pop();
        request.outcome = outcome;
        request.done(request);
    }
}

// They are cut for the association that has ended: what they are parts of is asked for again as a whole.
void Controller::endParts() {
    for (RequestList* const list : {&asking_, &strangers_}) {
        RequestList all = std::exchange(*list, RequestList{});
        while (!all.empty()) {
            HostRequest& request = all.pop();
            (request.part ? parts_ : *list).push(request);
        }
    }
    end(parts_, HostRequest::Outcome::Lost);
}

void Controller::endWaiting(HostRequest::Outcome outcome) {
    for (RequestList* const list : {&parts_, &asking_, &strangers_, &waiting_}) {
        end(*list, outcome);
    }
}

}  // namespace mc::nvme::host
