#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>

#include "nvme/target/namespace.h"
#include "nvme/target/target.h"

namespace mc::nvme {

/// A name under which namespaces are offered to hosts. From any thread.
class Subsystem {
  public:
    explicit Subsystem(SubsystemOptions options)
        : options_(std::move(options)), namespaces_(std::make_shared<NamespaceTable>()) {}

    const SubsystemOptions& options() const { return options_; }
    const std::string& nqn() const { return options_.nqn; }
    /// Its entry in the list of hosts, if it has one.
    const AllowedHost* findHost(const std::string& host_nqn) const {
        const auto found = std::ranges::find(options_.hosts, host_nqn, &AllowedHost::nqn);
        return found == options_.hosts.end() ? nullptr : &*found;
    }
    bool allows(const std::string& host_nqn) const { return options_.allow_any_host || findHost(host_nqn) != nullptr; }
    std::shared_ptr<const NamespaceTable> namespaces() const {
        const std::lock_guard lock(mutex_);
        return namespaces_;
    }
    void setNamespaces(std::shared_ptr<const NamespaceTable> table) {
        const std::lock_guard lock(mutex_);
        namespaces_ = std::move(table);
    }

  private:
    const SubsystemOptions options_;
    mutable std::mutex mutex_;
    std::shared_ptr<const NamespaceTable> namespaces_;
};

}  // namespace mc::nvme
