#include "nvme/target/registry.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/errors.h"
#include "nvme/target/connect_fields.h"

namespace mc::nvme {
namespace {

constexpr std::uint16_t kLastId = 0xffef;  // Above are reserved ones.

Registry::Outcome refuse(Status status, std::uint32_t field = 0) {
    return {.status = status, .result = field, .controller = nullptr};
}

const Status kInvalidParameter = commandSpecificStatus(NVME_SC_CONNECT_INVALID_PARAM);

}  // namespace

Result<void> Registry::add(std::shared_ptr<Subsystem> subsystem) {
    const std::lock_guard lock(mutex_);
    const std::string nqn = subsystem->nqn();
    if (!subsystems_.emplace(nqn, std::move(subsystem)).second) {
        return fail(ErrorCode::AlreadyExists, fmt::format("subsystem {}: it is there already", nqn));
    }
    ++generation_;
    return {};
}

std::shared_ptr<Subsystem> Registry::remove(const std::string& nqn) {
    const std::lock_guard lock(mutex_);
    const auto found = subsystems_.find(nqn);
    if (found == subsystems_.end()) return nullptr;
    auto subsystem = std::move(found->second);
    subsystems_.erase(found);
    ++generation_;
    return subsystem;
}

std::shared_ptr<Subsystem> Registry::find(const std::string& nqn) const {
    const std::lock_guard lock(mutex_);
    const auto found = subsystems_.find(nqn);
    return found == subsystems_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Subsystem>> Registry::visibleTo(const std::string& host_nqn) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Subsystem>> visible;
    for (const auto& [nqn, subsystem] : subsystems_) {
        if (subsystem->allows(host_nqn)) visible.push_back(subsystem);
    }
    return visible;
}

std::uint16_t Registry::freeId() {
    do {
        last_id_ = last_id_ >= kLastId ? std::uint16_t{1} : static_cast<std::uint16_t>(last_id_ + 1);
    } while (controllers_.contains(last_id_));
    return last_id_;
}

Registry::Outcome Registry::connectAdmin(const ConnectData& data, Controller::Identity identity) {
    const auto nqn = connectText(data.subsystem_nqn);
    const auto host = connectText(data.host_nqn);
    if (!nqn) return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, subsystem_nqn)));
    if (!host) return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, host_nqn)));
    if (data.controller_id != kAnyController) {
        return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, controller_id)));
    }
    const std::lock_guard lock(mutex_);
    if (*nqn != kDiscoveryNqn) {
        const auto found = subsystems_.find(*nqn);
        if (found == subsystems_.end()) {
            return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, subsystem_nqn)));
        }
        if (!found->second->allows(*host)) {
            return refuse(commandSpecificStatus(NVME_SC_CONNECT_INVALID_HOST),
                          connectDataField(offsetof(ConnectData, host_nqn)));
        }
        identity.subsystem = found->second;
    }
    if (controllers_.size() >= std::min<std::size_t>(options_.max_controllers, kLastId)) {
        // Another one may leave: it may try again.
        return refuse(commandSpecificStatus(NVME_SC_CONNECT_CTRL_BUSY) & static_cast<Status>(~kDoNotRetry));
    }
    identity.id = freeId();
    identity.host_nqn = *host;
    std::memcpy(identity.host_id.data(), data.host_id, sizeof(data.host_id));
    auto controller = std::make_shared<Controller>(std::move(identity), loops_);
    const std::size_t queues = controller->isDiscovery() ? 1 : std::size_t{options_.max_io_queues} + 1;
    controllers_.emplace(controller->id(), Entry{controller, std::vector<bool>(queues)});
    return {.controller = std::move(controller)};
}

Registry::Outcome Registry::connectQueue(const ConnectData& data, std::uint16_t queue) {
    const auto nqn = connectText(data.subsystem_nqn);
    const auto host = connectText(data.host_nqn);
    if (!nqn) return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, subsystem_nqn)));
    if (!host) return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, host_nqn)));
    const std::lock_guard lock(mutex_);
    const auto found = controllers_.find(data.controller_id);
    if (found == controllers_.end()) {
        return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, controller_id)));
    }
    const auto& [controller, queues] = found->second;
    const auto& identity = controller->identity();
    if (controller->isDiscovery() || identity.subsystem->nqn() != *nqn) {
        return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, subsystem_nqn)));
    }
    if (identity.host_nqn != *host) return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, host_nqn)));
    if (std::memcmp(identity.host_id.data(), data.host_id, sizeof(data.host_id)) != 0) {
        return refuse(kInvalidParameter, connectDataField(offsetof(ConnectData, host_id)));
    }
    if (queue >= queues.size()) return refuse(kInvalidParameter, offsetof(ConnectCommand, queue_id));
    if (!controller->isReady() || queues[queue]) return refuse(genericStatus(NVME_SC_CMD_SEQ_ERROR));
    found->second.queues[queue] = true;
    return {.controller = controller};
}

void Registry::disconnect(const Controller& controller, std::uint16_t queue) {
    std::shared_ptr<Controller> lost;
    {
        const std::lock_guard lock(mutex_);
        const auto found = controllers_.find(controller.id());
        if (found == controllers_.end() || found->second.controller.get() != &controller) return;
        if (queue == 0) {
            lost = std::move(found->second.controller);
            controllers_.erase(found);
        } else {
            found->second.queues[queue] = false;
        }
    }
    if (lost) end_queues_(std::move(lost));
}

std::vector<Registry::ConnectedController> Registry::controllers() const {
    const std::lock_guard lock(mutex_);
    std::vector<ConnectedController> all;
    all.reserve(controllers_.size());
    for (const auto& [id, entry] : controllers_) {
        all.push_back({entry.controller, static_cast<std::uint32_t>(std::ranges::count(entry.queues, true))});
    }
    return all;
}

}  // namespace mc::nvme
