#include "docgen/registry.h"

#include <vector>

#include "mc-bench/options.h"
#include "mc-meta/options.h"
#include "mc-mount/options.h"
#include "mc-register/options.h"
#include "mc-target/options.h"

namespace mc::tools {

std::span<const config::Tool* const> documentedTools() {
    static const std::vector<const config::Tool*> kTools{&bench::benchTool(), &meta::metaTool(), &mount::mountTool(),
                                                         &registering::registerTool(), &target::targetTool()};
    return kTools;
}

}  // namespace mc::tools
