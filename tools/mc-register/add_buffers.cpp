#include <nlohmann/json.hpp>

#include "control/memory_request.h"
#include "mc-register/commands.h"
#include "mc-register/served_items.h"

namespace mc::registering {

Result<ExitCode> runAddBuffers(const config::Values& values) {
    const auto sizes = values.texts("buffer");
    for (const auto& text : sizes) {
        const auto request = control::parseMemoryRequest(text);
        if (!request) return std::unexpected(values.error("buffer", request.error().message, request.error().hint));
    }
    return addItems(values, servedBuffers(),
                    {.option = "buffer",
                     .method = "add_memory",
                     .foreign = {"file", "force", "path", "memory", "if-exists", "keep-alive", "local-server-name",
                                 "protocol", "device", "nic-priority-matrix"}},
                    {{"memory", sizes}});
}

}  // namespace mc::registering
