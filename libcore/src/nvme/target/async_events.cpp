#include "nvme/target/async_events.h"

#include <nvme/types.h>

#include <algorithm>

#include "nvme/target/connection.h"

namespace mc::nvme {
namespace {

constexpr std::uint32_t notice(std::uint32_t what, std::uint32_t log_page) {
    return static_cast<std::uint32_t>(NVME_AER_NOTICE) | what << 8U | log_page << 16U;
}

}  // namespace

AsyncEvents::AsyncEvents(Connection& connection)
    : connection_(connection),
      namespaces_{.flag = NVME_FEATURE_AENCFG_NOTICE_NAMESPACE_ATTRIBUTES,
                  .result = notice(NVME_AER_NOTICE_NS_CHANGED, NVME_LOG_LID_CHANGED_NS)},
      discovery_{.flag = 1U << 31U, .result = notice(NVME_AER_NOTICE_DISC_CHANGED, NVME_LOG_LID_DISCOVER)} {}

void AsyncEvents::wait(Command& request) {
    requests_.push_back(&request);
    tell();
}

bool AsyncEvents::abort(std::uint16_t command_id) {
    Command* const request = take(command_id);
    if (request != nullptr) connection_.complete(*request, NVME_SC_ABORT_REQ);
    return request != nullptr;
}

bool AsyncEvents::forget(std::uint16_t command_id) {
    Command* const request = take(command_id);
    if (request != nullptr) connection_.drop(*request);
    return request != nullptr;
}

Command* AsyncEvents::take(std::uint16_t command_id) {
    const auto found = std::ranges::find_if(
        requests_, [command_id](const Command* request) { return request->entry.command_id == command_id; });
    if (found == requests_.end()) return nullptr;
    Command* const request = *found;
    requests_.erase(found);
    return request;
}

void AsyncEvents::enable(std::uint32_t events) {
    enabled_ = events;
    tell();
}

void AsyncEvents::namespaceChanged(std::uint32_t nsid) {
    changed_.insert(nsid);
    namespaces_.pending = true;
    tell();
}

void AsyncEvents::discoveryChanged() {
    discovery_.pending = true;
    tell();
}

std::vector<std::uint32_t> AsyncEvents::changedNamespaces(bool retain) {
    std::vector<std::uint32_t> changed(changed_.begin(), changed_.end());
    if (!retain) {
        changed_.clear();
        namespaces_.told = namespaces_.pending = false;
    }
    return changed;
}

void AsyncEvents::discoveryLogRead(bool retain) {
    if (!retain) discovery_.told = discovery_.pending = false;
}

void AsyncEvents::tell() {
    for (Event* event : {&namespaces_, &discovery_}) {
        if (!event->pending || event->told || (enabled_ & event->flag) == 0 || requests_.empty()) continue;
        event->pending = false;
        event->told = true;
        Command& request = *requests_.front();
        requests_.erase(requests_.begin());
        connection_.complete(request, 0, event->result);
    }
}

}  // namespace mc::nvme
