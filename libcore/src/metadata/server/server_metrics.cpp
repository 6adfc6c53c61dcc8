#include "metadata/server/server_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mc::metadata::server {
namespace {

constexpr std::array<std::string_view, 5> kMethodNames{"GET", "HEAD", "PUT", "DELETE", "other"};

class Text {
  public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    }
    template <typename Number>
    void sample(std::string_view name, std::string_view labels, Number value) {
        fmt::format_to(std::back_inserter(text_), "{}{} {}\n", name, labels, value);
    }
    template <typename Number>
    void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
        family(name, type, help);
        sample(name, "", value);
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void addCommits(Text& text, const CommitTimes& times) {
    constexpr std::string_view kName = "mc_metadata_commit_seconds";
    text.family(kName, "histogram", "Time of a transaction until it was on the disk.");
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < times.counts.size(); ++i) {
        count += times.counts[i];
        const std::string bound = i < CommitTimes::kBounds.size() ? fmt::format("{}", CommitTimes::kBounds[i]) : "+Inf";
        text.sample(fmt::format("{}_bucket", kName), fmt::format("{{le=\"{}\"}}", bound), count);
    }
    text.sample(fmt::format("{}_sum", kName), "", times.sum_seconds);
    text.sample(fmt::format("{}_count", kName), "", count);
    text.single("mc_metadata_commit_failures_total", "counter", "Transactions that failed.", times.failed);
}

}  // namespace

void ServerMetrics::countRequest(Method method, unsigned status) {
    const auto* const found = std::find(kStatuses.begin(), kStatuses.end() - 1, status);
    const auto index = static_cast<std::size_t>(found - kStatuses.begin());
    requests_[static_cast<std::size_t>(method)][index].fetch_add(1, std::memory_order_relaxed);
}

std::string ServerMetrics::text(const LocalStore& store) const {
    Text text;
    text.family("mc_metadata_requests_total", "counter", "Requests answered.");
    for (std::size_t method = 0; method < kMethods; ++method) {
        for (std::size_t status = 0; status < kStatuses.size(); ++status) {
            const auto count = requests_[method][status].load(std::memory_order_relaxed);
            if (count == 0) continue;
            const std::string name = kStatuses[status] == 0 ? "other" : std::to_string(kStatuses[status]);
            text.sample("mc_metadata_requests_total",
                        fmt::format("{{method=\"{}\",status=\"{}\"}}", kMethodNames[method], name), count);
        }
    }
    const auto usage = store.usage();
    text.single("mc_metadata_keys", "gauge", "Keys in the store.", usage.keys);
    text.single("mc_metadata_bytes", "gauge", "Bytes of all keys and values.", usage.bytes);
    text.single("mc_metadata_connections", "gauge", "Open connections.", connections.load());
    text.single("mc_metadata_connections_refused_total", "counter", "Connections above the limit.",
                refused_connections_.load());
    text.single("mc_metadata_watches", "gauge", "Open watches.", watches.load());
    text.single("mc_metadata_body_bytes", "gauge", "Bytes of the bodies under way.", body_bytes.load());
    text.single("mc_metadata_healthy", "gauge", "Whether the last change could be stored.", store.health() ? 1 : 0);
    addCommits(text, store.commitTimes());
    return text.take();
}

}  // namespace mc::metadata::server
