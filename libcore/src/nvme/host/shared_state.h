#pragma once

#include "nvme/host/namespace_identities.h"
#include "nvme/host/partial_writes.h"

namespace mc::nvme {

/// What the controllers of one process share that reach the same subsystem. From any thread.
struct SharedState {
    PartialWrites partial_writes;
    NamespaceIdentities identities;
};

}  // namespace mc::nvme
