#include "nvme/kernel/host/connect.h"

namespace mc::nvme::kernel {

Connect connectByLibnvme() {
    return {};
}

}  // namespace mc::nvme::kernel
