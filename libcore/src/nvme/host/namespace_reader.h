#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "nvme/host/admin_channel.h"
#include "nvme/host/controller.h"

namespace mc::nvme::host {

/// Reads a controller's active namespaces with what they are, one after the other.
class NamespaceReader {
  public:
    static constexpr std::size_t kMostNamespaces = 16384;

    /// `told` is called at the end of each reading; `fail` where the controller contradicts itself.
    NamespaceReader(AdminChannel& channel, std::move_only_function<void()> told, AdminChannel::Fail fail)
        : channel_(channel), told_(std::move(told)), fail_(std::move(fail)) {}
    NamespaceReader(const NamespaceReader&) = delete;
    NamespaceReader& operator=(const NamespaceReader&) = delete;
    ~NamespaceReader() = default;

    /// Begins to read; one that is being read is begun again when it is through.
    void read();
    bool reading() const { return reading_; }
    /// What the last reading found, by number.
    const std::vector<NamespaceInfo>& namespaces() const { return found_; }

  private:
    void readList(std::uint32_t after);
    void onList();
    void readNext();
    void onNamespace(const CompletionEntry& answer);
    void readIdentifiers();
    void onIdentifiers(const CompletionEntry& answer);
    void finish();

    AdminChannel& channel_;
    std::move_only_function<void()> told_;
    AdminChannel::Fail fail_;
    bool reading_ = false;
    bool again_ = false;
    std::vector<std::uint32_t> numbers_;
    std::size_t at_ = 0;
    std::vector<NamespaceInfo> new_;
    std::vector<NamespaceInfo> found_;
    std::vector<std::byte> page_ = std::vector<std::byte>(4096);
};

}  // namespace mc::nvme::host
