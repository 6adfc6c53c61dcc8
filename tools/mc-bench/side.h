#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "mc/engine.h"
#include "mc/error.h"

#include "bench/buffers.h"
#include "mc-bench/options.h"

namespace mc::bench {

/// One end of a measurement: an engine and the memory that is registered with it.
class Side {
  public:
    /// Joins the cluster as `server_name` and installs the transport; nothing is registered yet.
    static Result<std::unique_ptr<Side>> open(const Settings& settings, const std::string& server_name);
    /// The same for a side that serves what the settings say: memory, which is taken before anybody can ask for it, or
    /// files.
    static Result<std::unique_ptr<Side>> openTarget(const Settings& settings);
    /// The same under a name that nobody else has, at the host of `server_name`: for a side that nobody looks up.
    static Result<std::unique_ptr<Side>> openUnnamed(const Settings& settings, const std::string& server_name);

    /// A buffer of `size` on each NUMA node.
    static Result<std::vector<io::Buffer>> allocate(std::size_t size);
    /// Registers the buffers.
    Result<std::vector<std::span<std::byte>>> addMemory(std::vector<io::Buffer> buffers, bool remote_accessible);

    TransferEngine& engine() { return engine_; }
    const std::vector<io::Buffer>& buffers() const { return buffers_; }

  private:
    explicit Side(const EngineOptions& options) : engine_(options) {}
    static Result<std::unique_ptr<Side>> join(const Settings& settings, const std::string& server_name,
                                              const std::string& connectable_name, const std::string& address = {});

    std::vector<io::Buffer> buffers_;  // Before the engine, which may touch them until it is gone.
    TransferEngine engine_;
};

}  // namespace mc::bench
