#include <nlohmann/json.hpp>

#include "control/file_request.h"
#include "mc-register/commands.h"
#include "mc-register/served_items.h"

namespace mc::registering {

Result<ExitCode> runAddFiles(const config::Values& values) {
    std::vector<std::string> files;
    for (const auto& text : values.texts("file")) {
        const auto request = control::parseFileRequest(text);
        if (!request) return std::unexpected(values.error("file", request.error().message, request.error().hint));
        files.push_back(control::toString(*request));  // As the target, whose directory is another, will read it.
    }
    return addItems(values, servedFiles(),
                    {.option = "file",
                     .method = "add_files",
                     .foreign = {"path", "memory", "if-exists", "keep-alive", "local-server-name", "protocol", "device",
                                 "nic-priority-matrix"}},
                    {{"files", files}, {"force", values.flag("force")}});
}

}  // namespace mc::registering
