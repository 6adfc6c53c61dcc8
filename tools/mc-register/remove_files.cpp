#include <nlohmann/json.hpp>

#include "control/served_files.h"
#include "mc-register/commands.h"
#include "mc-register/served_items.h"

namespace mc::registering {

Result<ExitCode> runRemoveFiles(const config::Values& values) {
    std::vector<std::string> names;
    for (const auto& text : values.texts("file")) {
        const auto name = control::parseFileName(text);
        if (!name) return std::unexpected(values.error("file", name.error().message, name.error().hint));
        names.push_back(control::toString(*name));  // As the target, whose directory is another, will read it.
    }
    return removeItems(values, servedFiles(),
                       {.option = "file", .method = "remove_files", .foreign = {"path", "memory"}}, {{"files", names}});
}

}  // namespace mc::registering
