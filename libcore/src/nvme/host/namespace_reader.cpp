#include "nvme/host/namespace_reader.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "nvme/host/admin_commands.h"

namespace mc::nvme::host {
namespace {

constexpr unsigned kLeastBlockShift = 9;
constexpr unsigned kMostBlockShift = 20;

// The index of the format in use: its upper bits count only where there are so many formats.
std::size_t formatIndex(const nvme_id_ns& identity) {
    std::size_t index = identity.flbas & 0x0fU;
    constexpr unsigned kFormatsOfLowerBits = 16;
    if (identity.nlbaf >= kFormatsOfLowerBits) index |= (identity.flbas & 0x60U) >> 1U;
    return index;
}

}  // namespace

void NamespaceReader::read() {
    again_ = reading_;
    if (reading_) return;
    reading_ = true;
    numbers_.clear();
    new_.clear();
    at_ = 0;
    readList(0);
}

void NamespaceReader::readList(std::uint32_t after) {
    channel_.run(identify("Identify Active Namespaces", NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, after, page_),
                 [this](const CompletionEntry&) { onList(); });
}

void NamespaceReader::onList() {
    std::uint32_t number = 0;
    for (std::size_t offset = 0; offset < page_.size(); offset += sizeof(number)) {
        std::memcpy(&number, page_.data() + offset, sizeof(number));
        if (number == 0) break;
        if ((!numbers_.empty() && number <= numbers_.back()) || numbers_.size() >= kMostNamespaces) {
            fail_(Error{ErrorCode::Protocol,
                        fmt::format("{}: a list of namespaces that is out of order, or above {}",
                                    channel_.queue().name(), kMostNamespaces),
                        {}});
            return;
        }
        numbers_.push_back(number);
    }
    if (number != 0) {
        readList(number);
    } else {
        readNext();
    }
}

void NamespaceReader::readNext() {
    if (at_ == numbers_.size()) return finish();
    AdminCommand command = identify("Identify Namespace", NVME_IDENTIFY_CNS_NS, numbers_[at_], page_);
    command.may_fail = true;  // It may have gone meanwhile.
    channel_.run(command, [this](const CompletionEntry& answer) { onNamespace(answer); });
}

void NamespaceReader::onNamespace(const CompletionEntry& answer) {
    const auto& identity = *reinterpret_cast<const nvme_id_ns*>(page_.data());
    const nvme_lbaf& format = identity.lbaf[formatIndex(identity)];
    const bool usable = answer.statusCode() == 0 && identity.nsze > 0 && format.ds >= kLeastBlockShift &&
                        format.ds <= kMostBlockShift && format.ms == 0 &&
                        identity.nsze <= (UINT64_MAX >> static_cast<unsigned>(format.ds));
    if (!usable) {
        ++at_;
        return readNext();
    }
    NamespaceInfo& info = new_.emplace_back();
    info.nsid = numbers_[at_];
    info.block_size = 1U << static_cast<unsigned>(format.ds);
    info.size = identity.nsze << static_cast<unsigned>(format.ds);
    info.read_only = (identity.nsattr & 1U) != 0;
    std::ranges::copy(identity.eui64, info.eui64.begin());
    std::ranges::copy(identity.nguid, info.nguid.begin());
    readIdentifiers();
}

void NamespaceReader::readIdentifiers() {
    AdminCommand command =
        identify("Identify Namespace Descriptors", NVME_IDENTIFY_CNS_NS_DESC_LIST, numbers_[at_], page_);
    command.may_fail = true;  // Controllers before version 1.3 don't have it.
    channel_.run(command, [this](const CompletionEntry& answer) { onIdentifiers(answer); });
}

void NamespaceReader::onIdentifiers(const CompletionEntry& answer) {
    NamespaceInfo& info = new_.back();
    constexpr std::size_t kHeader = sizeof(nvme_ns_id_desc);
    for (std::size_t offset = 0; answer.statusCode() == 0 && offset + kHeader <= page_.size();) {
        const auto type = std::to_integer<unsigned>(page_[offset]);
        const auto length = std::to_integer<std::size_t>(page_[offset + 1]);
        const std::byte* const value = page_.data() + offset + kHeader;
        if (type == 0 || length == 0 || offset + kHeader + length > page_.size()) break;
        if (type == NVME_NIDT_EUI64 && length == info.eui64.size()) std::memcpy(info.eui64.data(), value, length);
        if (type == NVME_NIDT_NGUID && length == info.nguid.size()) std::memcpy(info.nguid.data(), value, length);
        if (type == NVME_NIDT_UUID && length == info.uuid.size()) std::memcpy(info.uuid.data(), value, length);
        offset += kHeader + length;
    }
    ++at_;
    readNext();
}

void NamespaceReader::finish() {
    reading_ = false;
    found_ = std::exchange(new_, {});
    told_();
    if (std::exchange(again_, false)) read();
}

}  // namespace mc::nvme::host
