#include "nvme/host/unaligned.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mc::nvme::host {

UnalignedRequest::UnalignedRequest(HostRequest& request, std::uint32_t block_size, Owner& owner)
    : request_(request), owner_(owner) {
    const std::uint64_t end = request.offset + request.length;
    const std::uint64_t before = request.offset % block_size;
    const std::uint64_t after = end % block_size;
    range_ = {
        .nsid = request.nsid, .begin = request.offset - before, .end = after == 0 ? end : end - after + block_size};
    middle_ = range_;
    if (before > 0 || range_.end - range_.begin == block_size) {
        head_ = {.block = std::vector<std::byte>(block_size),
                 .begin = before,
                 .length = std::min<std::uint64_t>(block_size - before, request.length),
                 .data = request.data};
        middle_.begin += block_size;
    }
    if (after > 0 && middle_.begin < middle_.end) {
        middle_.end -= block_size;
        tail_ = {.block = std::vector<std::byte>(block_size),
                 .begin = 0,
                 .length = after,
                 .data = request.data + (request.length - after)};
    }
}

UnalignedRequest::~UnalignedRequest() {
    if (!claim_) return;
    claim_->granted = {};
    partial_writes_->giveBack(*claim_);
}

bool UnalignedRequest::claim(std::shared_ptr<PartialWrites> partial_writes, io::EventLoop& loop,
                             std::move_only_function<void()> granted) {
    partial_writes_ = std::move(partial_writes);
    claim_ = std::make_shared<PartialWrites::Claim>(loop, std::vector<PartialWrites::Block>{}, std::move(granted));
    if (!head_.block.empty()) claim_->blocks.push_back({range_.nsid, range_.begin});
    if (!tail_.block.empty()) claim_->blocks.push_back({range_.nsid, middle_.end});
    return partial_writes_->take(claim_);
}

void UnalignedRequest::start() {
    reading_first_ = writes();
    submitParts(HostRequest::Kind::Read, !reading_first_);
}

void UnalignedRequest::submitParts(HostRequest::Kind kind, bool middle) {
    const bool with_middle = middle && middle_.begin < middle_.end;
    parts_left_ = (head_.block.empty() ? 0U : 1U) + (with_middle ? 1U : 0U) + (tail_.block.empty() ? 0U : 1U);
    if (!head_.block.empty()) submitPart(kHead, kind, range_.begin, head_.block);
    if (with_middle) {
        submitPart(kMiddle, kind, middle_.begin,
                   {request_.data + (middle_.begin - request_.offset), middle_.end - middle_.begin});
    }
    if (!tail_.block.empty()) submitPart(kTail, kind, middle_.end, tail_.block);
}

void UnalignedRequest::submitPart(Part part, HostRequest::Kind kind, std::uint64_t offset, std::span<std::byte> data) {
    parts_[part] = {.kind = kind,
                    .nsid = request_.nsid,
                    .offset = offset,
                    .length = data.size(),
                    .data = data.data(),
                    .done = &onPart,
                    .context = this,
                    .part = true};
    owner_.submitPart(parts_[part]);
}

void UnalignedRequest::onPart(HostRequest& part) {
    static_cast<UnalignedRequest*>(part.context)->partEnded(part);
}

void UnalignedRequest::partEnded(const HostRequest& part) {
    if (part.outcome != HostRequest::Outcome::Completed && request_.outcome == HostRequest::Outcome::Completed) {
        request_.outcome = part.outcome;
        request_.status = part.status;
        request_.may_retry = part.may_retry;
    }
    if (--parts_left_ > 0) return;
    if (request_.outcome == HostRequest::Outcome::Completed) {
        const bool write = writes();
        for (Edge* const edge : {&head_, &tail_}) {
            if (edge->block.empty() || (write && !reading_first_)) continue;
            std::byte* const inside = edge->block.data() + edge->begin;
            std::memcpy(write ? inside : edge->data, write ? edge->data : inside, edge->length);
        }
        if (std::exchange(reading_first_, false)) return submitParts(HostRequest::Kind::Write, true);
    }
    owner_.onEnded(*this);
}

}  // namespace mc::nvme::host
