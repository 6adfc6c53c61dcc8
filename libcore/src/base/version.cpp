#include "mc/version.h"

namespace mc {

const char* version() {
    return MC_VERSION;
}

}  // namespace mc
