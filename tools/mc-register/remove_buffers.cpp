#include <nlohmann/json.hpp>

#include "control/served_memory.h"
#include "mc-register/commands.h"
#include "mc-register/served_items.h"

namespace mc::registering {

Result<ExitCode> runRemoveBuffers(const config::Values& values) {
    const auto names = values.texts("buffer");
    for (const auto& text : names) {
        const auto name = control::parseBufferName(text);
        if (!name) return std::unexpected(values.error("buffer", name.error().message, name.error().hint));
    }
    return removeItems(values, servedBuffers(),
                       {.option = "buffer", .method = "remove_memory", .foreign = {"file", "path", "memory"}},
                       {{"buffers", names}});
}

}  // namespace mc::registering
