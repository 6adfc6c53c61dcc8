#include "segment/topology.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <utility>

#include "base/errors.h"
#include "base/fd.h"
#include "segment/descriptor_reader.h"

namespace mc {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20;

Result<std::string> readSmallFile(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failErrno("open", path, errno);
    std::string content(kMaxFile + 1, '\0');
    std::size_t used = 0;
    while (used < content.size()) {
        const auto count = ::read(file.get(), content.data() + used, content.size() - used);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failErrno("read", path, errno);
        if (count == 0) {
            content.resize(used);
            return content;
        }
        used += static_cast<std::size_t>(count);
    }
    return fail(ErrorCode::BadData, path + ": larger than 1 MiB");
}

}  // namespace

Result<PriorityMatrix> parsePriorityMatrix(std::string_view json) {
    return readPriorityMatrixText(json);
}

Result<PriorityMatrix> readPriorityMatrix(const std::filesystem::path& file) {
    const auto content = readSmallFile(file.string());
    if (!content) return std::unexpected(content.error());
    auto matrix = parsePriorityMatrix(*content);
    if (!matrix) return std::unexpected(wrap(file.string(), std::move(matrix.error())));
    return matrix;
}

Topology::Topology(const PriorityMatrix& matrix) {
    std::map<std::string_view, std::size_t> numbers;
    for (const auto& [location, priority] : matrix) {
        Entry& entry = entries_[location];
        entry.preferred = priority.preferred.size();
        for (const auto* list : {&priority.preferred, &priority.available}) {
            for (const auto& nic : *list) {
                const auto [number, is_new] = numbers.try_emplace(nic, nics_.size());
                if (is_new) nics_.push_back(nic);
                entry.nics.push_back(number->second);
            }
        }
    }
    if (const auto [entry, is_new] = entries_.try_emplace(std::string(kWildcardLocation)); is_new) {
        entry->second.nics.resize(nics_.size());
        std::iota(entry->second.nics.begin(), entry->second.nics.end(), std::size_t{0});
        entry->second.preferred = nics_.size();
    }
}

std::optional<std::size_t> Topology::choose(std::string_view location, std::uint32_t retry,
                                            std::uint64_t random) const {
    auto found = entries_.find(location);
    if (found == entries_.end() || found->second.nics.empty()) found = entries_.find(kWildcardLocation);
    const Entry& entry = found->second;
    if (entry.nics.empty()) return std::nullopt;
    if (retry > 0) return entry.nics[(retry - 1) % entry.nics.size()];
    return entry.nics[random % (entry.preferred > 0 ? entry.preferred : entry.nics.size())];
}

}  // namespace mc
