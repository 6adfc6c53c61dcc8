#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "nvme/host/controller.h"

namespace mc::nvme {

/// What the namespaces of a subsystem were when they were first seen, so that another one under the same number is not
/// taken for it after a reconnect. From any thread.
class NamespaceIdentities {
  public:
    /// Nothing where `now` is the namespace that has this number, or the first one that has it. Else the one that it
    /// was: one of its identifiers is another, or it is smaller than it was.
    std::optional<NamespaceInfo> check(const NamespaceInfo& now);
    /// Whatever has this number from now on is right.
    void forget(std::uint32_t nsid);

  private:
    std::mutex mutex_;
    std::map<std::uint32_t, NamespaceInfo> first_;
};

/// For messages: "UUID 4c0e..., 1MiB".
std::string identityText(const NamespaceInfo& info);

}  // namespace mc::nvme
