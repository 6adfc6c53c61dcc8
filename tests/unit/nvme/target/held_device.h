#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "io/block_device.h"

namespace mc::nvme::test {

/// A device whose requests wait until it is let go; `Loop`: and with them the loop that asks for them, as when the
/// kernel has to read what it needs to find them.
class HeldDevice final : public io::BlockDevice {
  public:
    enum class Holds : std::uint8_t { Requests, Loop };
    explicit HeldDevice(Holds holds = Holds::Requests) : holds_(holds) {}

    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return 4 << 20; }
    std::uint32_t blockSize() const override { return 4096; }
    std::optional<int> tryNow(io::BlockRequest& request) override {
        if (holds_ == Holds::Loop) return carryOut(request);
        return std::nullopt;
    }
    int carryOut(io::BlockRequest& request) override {
        ++begun;
        go_.wait(false);
        std::memset(request.data, 0x5a, request.length);
        return 0;
    }
    void letGo() {
        go_ = true;
        go_.notify_all();
    }

    std::atomic<int> begun = 0;

  private:
    const Holds holds_;
    std::string name_ = "held";
    std::atomic<bool> go_ = false;
};

}  // namespace mc::nvme::test
