#include "docgen/documents.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/errors.h"
#include "config/documents.h"

namespace mc::tools {
namespace {

constexpr std::string_view kBegin = ".\\\" BEGIN OPTIONS\n";
constexpr std::string_view kEnd = ".\\\" END OPTIONS\n";

std::optional<std::string> contentOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

Result<Document> manualPage(const config::Tool& tool, const std::string& root) {
    Document page{.path = fmt::format("man/{}.1", tool.main.name), .content = {}};
    const std::string path = fmt::format("{}/{}", root, page.path);
    const auto old = contentOf(path);
    if (!old) {
        return fail(ErrorCode::NoInput, fmt::format("{}: cannot be read", path),
                    "write the page by hand, without its options");
    }
    const auto begin = old->find(kBegin);
    const auto end = begin == std::string::npos ? begin : old->find(kEnd, begin);
    if (end == std::string::npos) {
        return fail(ErrorCode::BadData, fmt::format("{}: has no region for its options", path),
                    fmt::format("put the lines '{}' and '{}' after .SH OPTIONS", kBegin.substr(0, kBegin.size() - 1),
                                kEnd.substr(0, kEnd.size() - 1)));
    }
    page.content = old->substr(0, begin + kBegin.size()) + config::manOptions(tool) + old->substr(end);
    return page;
}

Result<std::vector<Document>> outdated(std::span<const config::Tool* const> tools, const std::string& root) {
    std::vector<Document> found;
    for (const auto* tool : tools) {
        auto documents = documentsOf(*tool, root);
        if (!documents) return documents;
        for (auto& document : *documents) {
            if (contentOf(fmt::format("{}/{}", root, document.path)) != document.content) {
                found.push_back(std::move(document));
            }
        }
    }
    return found;
}

std::vector<std::string> pathsOf(const std::vector<Document>& documents) {
    std::vector<std::string> paths;
    paths.reserve(documents.size());
    for (const auto& document : documents)
        paths.push_back(document.path);
    return paths;
}

}  // namespace

Result<std::vector<Document>> documentsOf(const config::Tool& tool, const std::string& root) {
    auto page = manualPage(tool, root);
    if (!page) return std::unexpected(std::move(page.error()));
    return std::vector<Document>{
        std::move(*page),
        {fmt::format("completions/{}.bash", tool.main.name), config::bashCompletion(tool)},
        {fmt::format("completions/_{}", tool.main.name), config::zshCompletion(tool)},
        {fmt::format("completions/{}.fish", tool.main.name), config::fishCompletion(tool)},
    };
}

Result<std::vector<std::string>> findOutdated(std::span<const config::Tool* const> tools, const std::string& root) {
    const auto documents = outdated(tools, root);
    if (!documents) return std::unexpected(documents.error());
    return pathsOf(*documents);
}

Result<std::vector<std::string>> updateDocuments(std::span<const config::Tool* const> tools, const std::string& root) {
    const auto documents = outdated(tools, root);
    if (!documents) return std::unexpected(documents.error());
    for (const auto& document : *documents) {
        const std::string path = fmt::format("{}/{}", root, document.path);
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        file << document.content << std::flush;
        if (!file) return fail(ErrorCode::CannotCreate, fmt::format("{}: cannot be written", path));
    }
    return pathsOf(*documents);
}

}  // namespace mc::tools
