#pragma once

#include <span>
#include <string>
#include <vector>

#include "mc/error.h"

#include "config/option.h"

namespace mc::tools {

/// A committed file and what the option table wants in it.
struct Document {
    std::string path;  ///< Below the source tree's root.
    std::string content;
};

/// The manual page, in which only the lines between `.\" BEGIN OPTIONS` and `.\" END OPTIONS` are generated, and the
/// completions. NoInput if the page is missing, BadData if it lacks these lines.
Result<std::vector<Document>> documentsOf(const config::Tool& tool, const std::string& root);

/// The paths of the documents that are not as the tables of `tools` want them.
Result<std::vector<std::string>> findOutdated(std::span<const config::Tool* const> tools, const std::string& root);

/// Writes those documents, and names them.
Result<std::vector<std::string>> updateDocuments(std::span<const config::Tool* const> tools, const std::string& root);

}  // namespace mc::tools
