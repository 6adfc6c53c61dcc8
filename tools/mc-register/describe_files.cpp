#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/errors.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/file_facts.h"
#include "mc-register/describe.h"
#include "segment/file_segment.h"

namespace mc::registering {
namespace {

Result<std::string> serverName(const config::Values& values) {
    if (values.has("local-server-name")) {
        std::string name = values.text("local-server-name");
        if (name.empty() || !isUtf8(name))
            return std::unexpected(values.error("local-server-name", "is empty or not UTF-8"));
        return name;
    }
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return failErrno("gethostname", "", errno);
    return std::string(name.data());
}

Result<std::vector<io::FileFacts>> inspect(const std::vector<std::string>& paths) {
    std::vector<io::FileFacts> files;
    for (const auto& path : paths) {
        auto facts = io::inspectFile(path);
        if (!facts) return std::unexpected(facts.error());
        const auto same = [&](const io::FileFacts& other) {
            return other.is_block_device == facts->is_block_device && other.device == facts->device &&
                   other.inode == facts->inode;
        };
        if (const auto other = std::ranges::find_if(files, same); other != files.end()) {
            return fail(
                ErrorCode::InvalidArgument,
                fmt::format("{} and {} are the same file",
                            printable(paths[static_cast<std::size_t>(other - files.begin())]), printable(path)));
        }
        files.push_back(std::move(*facts));
    }
    return files;
}

}  // namespace

Result<SegmentDescriptor> describeFiles(const config::Values& values) {
    const auto paths = values.texts("path");
    if (paths.empty()) {
        return fail(ErrorCode::InvalidArgument, "add: no file is named",
                    "name files or block devices after the segment, or give --memory");
    }
    auto server = serverName(values);
    if (!server) return std::unexpected(server.error());
    const auto inspected = inspect(paths);
    if (!inspected) return std::unexpected(inspected.error());
    std::vector<LegacyFile> files;
    for (const auto& facts : *inspected)
        files.push_back({.file_path = facts.path, .length = facts.length, .local_path_map = {}});
    return makeFileSegment(std::move(*server), std::move(files));
}

}  // namespace mc::registering
