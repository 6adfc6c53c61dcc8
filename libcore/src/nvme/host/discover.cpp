#include "nvme/host/discover.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/errors.h"
#include "nvme/host/admin_commands.h"
#include "nvme/host/association.h"
#include "nvme/host/host_nqn.h"

namespace mc::nvme {
namespace {

using host::AdminCommand;
using host::Association;

constexpr std::uint64_t kMostRecords = 4096;
constexpr std::size_t kRecordsPerPage = 16;
constexpr int kMostReadings = 5;  // Of a log that changes while it is read.

template <std::size_t Size>
std::string textOf(const char (&field)[Size]) {
    std::string text(field, ::strnlen(field, Size));
    while (text.ends_with(' ')) {
        text.pop_back();
    }
    return text;
}

std::string transportName(unsigned type) {
    switch (type) {
        case NVMF_TRTYPE_RDMA:
            return "rdma";
        case NVMF_TRTYPE_FC:
            return "fc";
        case NVMF_TRTYPE_TCP:
            return "tcp";
        case NVMF_TRTYPE_LOOP:
            return "loop";
        default:
            return fmt::format("{}", type);
    }
}

std::string familyName(unsigned family) {
    switch (family) {
        case NVMF_ADDR_FAMILY_IP4:
            return "ipv4";
        case NVMF_ADDR_FAMILY_IP6:
            return "ipv6";
        case NVMF_ADDR_FAMILY_IB:
            return "ib";
        case NVMF_ADDR_FAMILY_FC:
            return "fc";
        case NVMF_ADDR_FAMILY_LOOP:
            return "loop";
        default:
            return fmt::format("{}", family);
    }
}

DiscoveryEntry entryOf(const nvmf_disc_log_entry& record) {
    const bool known = record.subtype >= 1 && record.subtype <= 3;
    return {.kind = known ? static_cast<DiscoveryEntry::Kind>(record.subtype) : DiscoveryEntry::Kind::Other,
            .transport = transportName(record.trtype),
            .family = familyName(record.adrfam),
            .traddr = textOf(record.traddr),
            .trsvcid = textOf(record.trsvcid),
            .subsystem_nqn = textOf(record.subnqn),
            .port_id = record.portid,
            .controller_id = record.cntlid};
}

/// Reads a discovery log: its header, its records, and its header again, until it did not change meanwhile.
class LogReader final : public Association::Owner {
  public:
    using Entries = std::vector<DiscoveryEntry>;

    void onLive(Association& association) override {
        association_ = &association;
        readHeader();
    }
    void onEnded(Association& association, const Error& error) override {
        association.endAll();
        if (!result_) result_ = std::unexpected(error);
    }
    void onNamespaces(Association& /*association*/) override {}
    void onServed(Association& /*association*/) override {}

    std::optional<Result<Entries>>& result() { return result_; }

  private:
    void read(std::uint64_t offset, std::size_t length, host::AdminChannel::Then then) {
        page_.resize(length);
        association_->admin().run(host::getLogPage("Get Log Page Discovery", NVME_LOG_LID_DISCOVER, offset, page_),
                                  std::move(then));
    }
    void readHeader() {
        read(0, sizeof(nvmf_discovery_log), [this](const CompletionEntry&) { onHeader(); });
    }
    void onHeader() {
        const auto& log = *reinterpret_cast<const nvmf_discovery_log*>(page_.data());
        if (generation_ == log.genctr && records_ == log.numrec && entries_.size() == records_) {
            result_ = std::move(entries_);
            return;
        }
        if (log.recfmt != 0 || log.numrec > kMostRecords || ++readings_ > kMostReadings) {
            result_ = fail(ErrorCode::Protocol,
                           fmt::format("discovery log: format {}, {} records, read {} times without an end", log.recfmt,
                                       log.numrec, readings_ - 1));
            return;
        }
        generation_ = log.genctr;
        records_ = log.numrec;
        entries_.clear();
        records_ == 0 ? readHeader() : readRecords();
    }
    void readRecords() {
        const std::size_t count = std::min<std::size_t>(records_ - entries_.size(), kRecordsPerPage);
        read(sizeof(nvmf_discovery_log) + (entries_.size() * sizeof(nvmf_disc_log_entry)),
             count * sizeof(nvmf_disc_log_entry), [this](const CompletionEntry&) { onRecords(); });
    }
    void onRecords() {
        for (std::size_t at = 0; at + sizeof(nvmf_disc_log_entry) <= page_.size(); at += sizeof(nvmf_disc_log_entry)) {
            entries_.push_back(entryOf(*reinterpret_cast<const nvmf_disc_log_entry*>(page_.data() + at)));
        }
        entries_.size() < records_ ? readRecords() : readHeader();
    }

    Association* association_ = nullptr;
    std::optional<Result<Entries>> result_;
    std::vector<std::byte> page_;
    std::optional<std::uint64_t> generation_;
    std::uint64_t records_ = 0;
    Entries entries_;
    int readings_ = 0;
};

Result<std::vector<DiscoveryEntry>> discoverAt(const io::SocketAddress& address, const HostOptions& options,
                                               SteadyClock::time_point deadline) {
    auto loop = io::EventLoop::open();
    if (!loop) return std::unexpected(loop.error());
    LogReader reader;
    auto association = Association::start(
        **loop, reader, {.address = address, .subsystem_nqn = kDiscoveryNqn, .options = options, .discovery = true});
    if (!association) return std::unexpected(association.error());
    while (!reader.result() && SteadyClock::now() < deadline) {
        (*loop)->runOnce(deadline);
    }
    if (!reader.result()) {
        reader.result() =
            fail(ErrorCode::TimedOut, fmt::format("discovery at {}: no answer in time", address.toString()));
    }
    auto result = std::move(*reader.result());
    (*association)->end(Error{ErrorCode::Unavailable, "done", {}});
    return result;
}

}  // namespace

Result<std::vector<DiscoveryEntry>> discover(const std::vector<io::SocketAddress>& addresses,
                                             const HostOptions& options, SteadyClock::time_point deadline) {
    auto use = host::withIdentity(options);
    if (!use) return std::unexpected(use.error());
    use->keep_alive = std::chrono::milliseconds(0);  // Gone long before it would be due.
    Result<std::vector<DiscoveryEntry>> result = fail(ErrorCode::InvalidArgument, "discovery: no address");
    for (const auto& address : addresses) {
        result = discoverAt(address, *use, deadline);
        if (result || SteadyClock::now() >= deadline) break;
    }
    return result;
}

}  // namespace mc::nvme
