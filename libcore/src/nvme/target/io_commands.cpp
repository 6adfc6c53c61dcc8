#include "nvme/target/io_commands.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "nvme/target/connection.h"
#include "nvme/target/device_failures.h"
#include "nvme/target/registry.h"
#include "nvme/target/worker.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {
namespace {

constexpr std::uint32_t kMaxRanges = 256;
// From here on sending a file's pages costs less than copying them.
constexpr std::uint64_t kSentFromFile = 32 << 10;
using Kind = io::BlockRequest::Kind;

bool forceUnitAccess(const Command& command) {
    return ((command.entry.cdw12 >> 16U) & NVME_IO_FUA) != 0;
}

// Of commands with a range: NLB is less one.
std::uint64_t blockCount(const Command& command) {
    return (command.entry.cdw12 & 0xffffU) + 1;
}

// Where Compare reads to: behind what the host has sent, aligned as devices need it.
std::uint32_t readBehind(const Command& command) {
    constexpr std::uint32_t kPage = BufferPool::kAlignment;
    return (command.length + kPage - 1) / kPage * kPage;
}

// Of Dataset Management: NR is less one.
std::uint32_t rangeCount(const Command& command) {
    return (command.entry.cdw10 & 0xffU) + 1;
}

bool within(const Namespace& target, std::uint64_t block, std::uint64_t count) {
    return block <= target.blocks() && count <= target.blocks() - block;
}

Status statusOf(Kind kind, int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return genericStatus(NVME_SC_CAP_EXCEEDED);
        case EROFS:
        case EACCES:
        case EPERM:
        case EBADF:
            return genericStatus(NVME_SC_NS_WRITE_PROTECTED);
        case ENOMEM:
        case EAGAIN:
            return NVME_SC_INTERNAL;  // Later, perhaps.
        default:
            return kind == Kind::Read ? mediaStatus(NVME_SC_READ_ERROR) : mediaStatus(NVME_SC_WRITE_FAULT);
    }
}

}  // namespace

IoCommands::IoCommands(Connection& connection, std::shared_ptr<Controller> controller)
    : connection_(connection),
      controller_(std::move(controller)),
      namespaces_(controller_->identity().subsystem->namespaces()),
      traffic_(controller_->traffic()[connection.worker().index()]) {}

void IoCommands::onNamespace(std::uint32_t /*nsid*/) {
    namespaces_ = controller_->identity().subsystem->namespaces();
}

void IoCommands::onClose() {
    connection_.worker().registry().disconnect(*controller_, connection_.queueId());
}

Status IoCommands::prepare(Command& command) {
    if (command.entry.opcode == kFabricsOpcode) return prepareFabrics(command);
    if (!controller_->isReady()) return genericStatus(NVME_SC_CMD_SEQ_ERROR);
    Namespace* const target = namespaces_->find(command.entry.nsid);
    if (target == nullptr) return genericStatus(NVME_SC_INVALID_NS);
    command.target = target;
    switch (command.entry.opcode) {
        case nvme_cmd_read:
            return prepareTransfer(command, Command::Direction::ToHost);
        case nvme_cmd_write:
        case nvme_cmd_compare:
            return prepareTransfer(command, Command::Direction::FromHost);
        case nvme_cmd_flush:
            return 0;
        case nvme_cmd_write_zeroes:
            return prepareZeroes(command);
        case nvme_cmd_dsm:
            return prepareDeallocate(command);
        default:
            return genericStatus(NVME_SC_INVALID_OPCODE);
    }
}

Status IoCommands::prepareFabrics(const Command& command) const {
    const auto fabrics = std::bit_cast<FabricsCommand>(command.entry);
    if (fabrics.type == FabricsType::Disconnect) return 0;
    // Connect and properties belong elsewhere.
    return genericStatus(fabrics.type == FabricsType::Connect ? NVME_SC_CMD_SEQ_ERROR : NVME_SC_INVALID_OPCODE);
}

Status IoCommands::prepareTransfer(Command& command, Command::Direction direction) const {
    const Namespace& target = *command.target;
    const std::uint64_t count = blockCount(command);
    const std::uint64_t bytes = count << target.blockShift();
    const std::uint64_t block = command.entry.startingBlock();
    if (bytes > connection_.worker().options().max_transfer_bytes) return genericStatus(NVME_SC_INVALID_FIELD);
    if (!within(target, block, count)) return genericStatus(NVME_SC_LBA_RANGE);
    const bool writes = command.entry.opcode == nvme_cmd_write;
    if (writes && target.isReadOnly()) return genericStatus(NVME_SC_NS_WRITE_PROTECTED);
    command.direction = direction;
    command.length = static_cast<std::uint32_t>(bytes);
    std::byte* const memory = target.memory();
    if (command.entry.opcode == nvme_cmd_compare) {
        command.extra = memory == nullptr ? readBehind(command) : 0;
    } else if (memory != nullptr) {
        command.place = memory + (block << target.blockShift());
    } else if (!writes && bytes >= kSentFromFile && !connection_.dataDigest()) {
        command.offset = block << target.blockShift();
        command.file = target.device().sendableFrom(command.offset, bytes);
    }
    return 0;
}

Status IoCommands::prepareZeroes(const Command& command) const {
    if (!within(*command.target, command.entry.startingBlock(), blockCount(command))) {
        return genericStatus(NVME_SC_LBA_RANGE);
    }
    return command.target->isReadOnly() ? genericStatus(NVME_SC_NS_WRITE_PROTECTED) : Status{0};
}

// Hosts send room for all ranges that there could be, whatever the number of those that there are.
Status IoCommands::prepareDeallocate(Command& command) const {
    constexpr std::uint32_t kMaxLength = kMaxRanges * static_cast<std::uint32_t>(sizeof(nvme_dsm_range));
    const std::uint32_t needed = rangeCount(command) * static_cast<std::uint32_t>(sizeof(nvme_dsm_range));
    command.direction = Command::Direction::FromHost;
    command.length = std::clamp(command.entry.data.length, needed, kMaxLength);
    return 0;
}

void IoCommands::execute(Command& command) {
    switch (command.entry.opcode) {
        case nvme_cmd_read:
        case nvme_cmd_write:
            return transfer(command);
        case nvme_cmd_compare:
            return compare(command);
        case nvme_cmd_dsm:
            return deallocate(command);
        case nvme_cmd_flush:
            command.request = {.kind = Kind::Flush, .device = &command.target->device()};
            return connection_.submit(command);
        case nvme_cmd_write_zeroes:
            command.request = {.kind = Kind::WriteZeroes,
                               .durable = forceUnitAccess(command),
                               .may_unmap = ((command.entry.cdw12 >> 16U) & NVME_IO_DEAC) != 0,
                               .device = &command.target->device(),
                               .offset = command.entry.startingBlock() << command.target->blockShift(),
                               .length = blockCount(command) << command.target->blockShift()};
            return connection_.submit(command);
        default:  // Disconnect
            connection_.complete(command, 0);
            return connection_.closeAfterSending();
    }
}

void IoCommands::transfer(Command& command) {
    if (connection_.placed(command)) return finish(command, 0);  // It is where it belongs.
    command.request = {.kind = command.entry.opcode == nvme_cmd_read ? Kind::Read : Kind::Write,
                       .durable = forceUnitAccess(command),
                       .device = &command.target->device(),
                       .offset = command.entry.startingBlock() << command.target->blockShift(),
                       .length = command.length,
                       .data = command.data};
    connection_.submit(command);
}

void IoCommands::compare(Command& command) {
    const std::uint64_t offset = command.entry.startingBlock() << command.target->blockShift();
    if (std::byte* const memory = command.target->memory()) {
        const bool equal = std::memcmp(memory + offset, command.data, command.length) == 0;
        return finish(command, equal ? Status{0} : mediaStatus(NVME_SC_COMPARE_FAILED));
    }
    command.request = {.kind = Kind::Read,
                       .device = &command.target->device(),
                       .offset = offset,
                       .length = command.length,
                       .data = command.data + readBehind(command)};
    connection_.submit(command);
}

// One range after the other; `step` counts them.
void IoCommands::deallocate(Command& command) {
    // What else a host may tell of its ranges are hints.
    const bool wanted = (command.entry.cdw11 & NVME_DSMGMT_AD) != 0 && !command.target->isReadOnly();
    if (!wanted || command.step == rangeCount(command)) return finish(command, 0);
    nvme_dsm_range range;
    std::memcpy(&range, command.data + command.step * sizeof(range), sizeof(range));
    if (!within(*command.target, range.slba, range.nlb)) return finish(command, genericStatus(NVME_SC_LBA_RANGE));
    ++command.step;
    if (range.nlb == 0) return deallocate(command);
    command.request = {.kind = Kind::Discard,
                       .device = &command.target->device(),
                       .offset = std::uint64_t{range.slba} << command.target->blockShift(),
                       .length = std::uint64_t{range.nlb} << command.target->blockShift()};
    connection_.submit(command);
}

void IoCommands::onDevice(Command& command, int error) {
    if (command.entry.opcode == nvme_cmd_dsm) {
        // A device that can't discard is no error: what is deallocated need not be.
        if (error != 0 && error != EOPNOTSUPP) return fail(command, error);
        return deallocate(command);
    }
    if (error != 0) return fail(command, error);
    if (command.entry.opcode == nvme_cmd_compare) {
        const bool equal = std::memcmp(command.data, command.data + readBehind(command), command.length) == 0;
        return finish(command, equal ? Status{0} : mediaStatus(NVME_SC_COMPARE_FAILED));
    }
    finish(command, 0);
}

// By its device; hosts learn little more than that.
void IoCommands::fail(Command& command, int error) {
    if (const auto untold = command.target->failures().add(command.request.kind, SteadyClock::now())) {
        log::warning("nvme target: {}{}", describeFailure(command.request, error),
                     *untold == 0 ? "" : fmt::format("; {} others since the last line like this one", *untold));
    }
    finish(command, statusOf(command.request.kind, error));
}

void IoCommands::finish(Command& command, Status status) {
    auto& counters = connection_.worker().counters;
    if (status == 0 && command.entry.opcode == nvme_cmd_read) {
        add(traffic_.reads, 1);
        add(traffic_.bytes_read, command.length);
        add(counters.bytes_read, command.length);
    } else if (status == 0 && command.entry.opcode == nvme_cmd_write) {
        add(traffic_.writes, 1);
        add(traffic_.bytes_written, command.length);
        add(counters.bytes_written, command.length);
    }
    connection_.complete(command, status);
}

}  // namespace mc::nvme
