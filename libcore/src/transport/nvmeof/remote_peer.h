#pragma once

#include "transport/lane.h"
#include "transport/nvmeof/remote_target.h"

namespace mc::nvmeof {

/// A peer of the nvmeof_generic transport, by whichever initiator its files are reached.
class RemotePeer : public LanePeer {
  public:
    using LanePeer::LanePeer;
    /// It has published something new.
    virtual Result<void> follow(RemoteTarget target) = 0;
    virtual PeerInfo inspect() const = 0;
};

}  // namespace mc::nvmeof
