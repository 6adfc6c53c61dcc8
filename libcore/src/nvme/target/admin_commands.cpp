#include "nvme/target/admin_commands.h"

#include <nvme/types.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/address.h"
#include "base/log.h"
#include "io/socket.h"
#include "nvme/target/connection.h"
#include "nvme/target/identify.h"
#include "nvme/target/worker.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr std::uint64_t kNotAborted = 1;
constexpr int kTicksOfKeepAlive = 2;  // It ends after one to one and a half of its times.

// A socket of both families has an IPv4 host's address as ::ffff:192.0.2.1.
std::string withoutMapping(std::string host) {
    constexpr std::string_view kMapped = "::ffff:";
    if (host.starts_with(kMapped) && isIpv4(host.substr(kMapped.size()))) host.erase(0, kMapped.size());
    return host;
}

LogPages::Place placeOf(Connection& connection) {
    const auto address = io::localAddress(connection.socket());
    const std::string& advertised = connection.worker().options().advertised_address;
    return {.address = advertised.empty() ? withoutMapping(address.host()) : advertised, .port = address.port()};
}

}  // namespace

AdminCommands::AdminCommands(Connection& connection, std::shared_ptr<Controller> controller,
                             std::chrono::milliseconds keep_alive)
    : connection_(connection),
      controller_(std::move(controller)),
      events_(connection),
      properties_(*controller_, connection.worker().options().queue_entries),
      features_(*controller_, events_, connection.worker().options().max_io_queues),
      logs_(*controller_, connection.worker().registry(), events_, placeOf(connection)) {
    features_.setKeepAlive(static_cast<std::uint32_t>(keep_alive.count()));
    startKeepAlive();
}

AdminCommands::~AdminCommands() {
    if (keep_alive_timer_ != 0) connection_.worker().loop().cancel(keep_alive_timer_);
}

void AdminCommands::onClose() {
    controller_->setReady(false);
    connection_.worker().registry().disconnect(*controller_, 0);
    if (keep_alive_timer_ != 0) connection_.worker().loop().cancel(std::exchange(keep_alive_timer_, 0));
}

void AdminCommands::startKeepAlive() {
    auto& loop = connection_.worker().loop();
    if (keep_alive_timer_ != 0) loop.cancel(std::exchange(keep_alive_timer_, 0));
    const std::chrono::milliseconds time(features_.keepAliveMilliseconds());
    silent_ticks_ = 0;
    heard_ = false;
    if (time.count() == 0) return;
    keep_alive_timer_ =
        loop.at(SteadyClock::now() + std::max(time / kTicksOfKeepAlive, std::chrono::milliseconds(1)), [this] {
            keep_alive_timer_ = 0;
            checkKeepAlive();
        });
}

void AdminCommands::checkKeepAlive() {
    const int silent = heard_ ? 0 : silent_ticks_ + 1;
    if (silent > kTicksOfKeepAlive) {
        log::info("nvme target: {}: no keep-alive from \"{}\" for {} ms, its controller {} is ended",
                  connection_.peer(), controller_->identity().host_nqn, features_.keepAliveMilliseconds(),
                  controller_->id());
        return connection_.close();
    }
    startKeepAlive();
    silent_ticks_ = silent;
}

void AdminCommands::onNamespace(std::uint32_t nsid) {
    events_.namespaceChanged(nsid);
}

Status AdminCommands::prepare(Command& command) {
    heard_ = true;
    const SubmissionEntry& entry = command.entry;
    switch (entry.opcode) {
        case kFabricsOpcode:
            return prepareFabrics(command);
        case nvme_admin_identify:
            command.direction = Command::Direction::ToHost;
            command.length = kIdentifyLength;
            return 0;
        case nvme_admin_get_log_page:
            return prepareLogPage(command);
        case nvme_admin_get_features: {
            const auto length = features_.dataLength(entry);
            if (!length) return length.error();
            command.length = *length;
            if (*length > 0) command.direction = Command::Direction::ToHost;
            return 0;
        }
        case nvme_admin_async_event:
            return events_.full() ? commandSpecificStatus(NVME_SC_ASYNC_LIMIT) : Status{0};
        case nvme_admin_set_features:
        case nvme_admin_abort_cmd:
        case nvme_admin_keep_alive:
            return 0;
        default:
            return genericStatus(NVME_SC_INVALID_OPCODE);
    }
}

Status AdminCommands::prepareFabrics(const Command& command) const {
    switch (std::bit_cast<FabricsCommand>(command.entry).type) {
        case FabricsType::PropertyGet:
        case FabricsType::PropertySet:
            return 0;
        case FabricsType::Connect:
            return genericStatus(NVME_SC_CMD_SEQ_ERROR);
        case FabricsType::Disconnect:
            return commandSpecificStatus(NVME_SC_DISCONNECT_INVALID_QTYPE);
        default:
            return genericStatus(NVME_SC_INVALID_OPCODE);
    }
}

Status AdminCommands::prepareLogPage(Command& command) const {
    const auto request = LogRequest::of(command.entry);
    if (const Status status = logs_.check(request, command.entry.nsid); status != 0) return status;
    if (request.bytes > connection_.worker().options().max_transfer_bytes) return genericStatus(NVME_SC_INVALID_FIELD);
    command.direction = Command::Direction::ToHost;
    command.length = static_cast<std::uint32_t>(request.bytes);
    return 0;
}

void AdminCommands::execute(Command& command) {
    switch (command.entry.opcode) {
        case kFabricsOpcode:
            return executeFabrics(command);
        case nvme_admin_identify: {
            const std::span data(command.data, command.length);
            std::ranges::fill(data, std::byte{0});
            return connection_.complete(command,
                                        identify(*controller_, connection_.worker().options(), command.entry, data));
        }
        case nvme_admin_get_log_page:
            return executeLogPage(command);
        case nvme_admin_get_features:
        case nvme_admin_set_features:
            return executeFeatures(command);
        case nvme_admin_async_event:
            return events_.wait(command);
        case nvme_admin_abort_cmd:
            return abort(command);
        default:  // Keep Alive: it was heard.
            return connection_.complete(command, 0);
    }
}

void AdminCommands::executeFabrics(Command& command) {
    const auto request = std::bit_cast<PropertyCommand>(command.entry);
    if (request.type == FabricsType::PropertySet) return connection_.complete(command, properties_.set(request));
    const auto value = properties_.get(request);
    connection_.complete(command, value ? Status{0} : value.error(), value.value_or(0));
}

void AdminCommands::executeLogPage(Command& command) {
    const auto request = LogRequest::of(command.entry);
    const auto page = logs_.make(request);
    if (request.offset > page.size()) return connection_.complete(command, genericStatus(NVME_SC_INVALID_FIELD));
    const std::size_t there = std::min<std::uint64_t>(command.length, page.size() - request.offset);
    std::memcpy(command.data, page.data() + request.offset, there);
    std::memset(command.data + there, 0, command.length - there);
    connection_.complete(command, 0);
}

void AdminCommands::executeFeatures(Command& command) {
    const bool sets = command.entry.opcode == nvme_admin_set_features;
    const auto result = sets ? features_.set(command.entry) : features_.get(command.entry, command.data);
    if (sets && result && (command.entry.cdw10 & 0xffU) == NVME_FEAT_FID_KATO) startKeepAlive();
    connection_.complete(command, result ? Status{0} : result.error(), result.value_or(0));
}

// Only event requests wait long enough to be aborted; whatever else is under way ends by itself.
void AdminCommands::abort(Command& command) {
    const std::uint16_t queue = command.entry.cdw10 & 0xffffU;
    const auto command_id = static_cast<std::uint16_t>(command.entry.cdw10 >> 16U);
    const bool aborted = queue == 0 && events_.abort(command_id);
    connection_.complete(command, 0, aborted ? 0 : kNotAborted);
}

}  // namespace mc::nvme
