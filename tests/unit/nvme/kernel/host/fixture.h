#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "nvme/kernel/host/kernel_host.h"
#include "temporary.h"

namespace mc::nvme::kernel::test {

namespace fs = std::filesystem;

inline constexpr const char* kNqn = "nqn.2016-06.io.mc:files";
inline constexpr const char* kHostNqn = "nqn.2014-08.org.nvmexpress:uuid:5c3e0c1a-0000-4000-8000-000000000001";

/// Trees like those of /sys, /dev, /etc/nvme and /run, as a kernel would show a few controllers.
class KernelTree : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(root_ / "sys/class/nvme");
        fs::create_directories(root_ / "sys/class/block");
        fs::create_directories(root_ / "dev");
        fs::create_directories(root_ / "etc");
        write("dev/nvme-fabrics", "");
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& content) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << content;
    }
    std::string content(const std::string& path) const {
        std::ifstream file(root_ / path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    struct Like {
        std::string transport = "tcp";
        std::string address = "traddr=127.0.0.1,trsvcid=4420,src_addr=127.0.0.1";
        std::string nqn = kNqn;
        std::string host_nqn = kHostNqn;
        std::string state = "live";
    };
    void addController(const std::string& name, const Like& like) const {
        const std::string at = "sys/class/nvme/" + name + "/";
        write(at + "transport", like.transport + "\n");
        write(at + "address", like.address + "\n");
        write(at + "subsysnqn", like.nqn + "\n");
        write(at + "hostnqn", like.host_nqn + "\n");
        write(at + "hostid", "5c3e0c1a-0000-4000-8000-000000000001\n");
        write(at + "state", like.state + "\n");
        write(at + "delete_controller", "");
        write(at + "rescan_controller", "");
    }
    void removeController(const std::string& name) const { fs::remove_all(root_ / "sys/class/nvme" / name); }

    /// As a path "nvme0c1n2" or, without multipath, "nvme0n2"; its device has `mib`.
    void addNamespace(const std::string& controller, const std::string& name, const std::string& device, int nsid,
                      int mib) const {
        write("sys/class/nvme/" + controller + "/" + name + "/nsid", std::to_string(nsid) + "\n");
        const std::string block = "sys/class/block/" + device + "/";
        write(block + "size", std::to_string(mib * 2048) + "\n");
        write(block + "queue/logical_block_size", "512\n");
        write(block + "dev", "259:3\n");
        write(block + "ro", "0\n");
        write("dev/" + device, "");
        fs::resize_file(root_ / "dev" / device, static_cast<std::uintmax_t>(mib) << 20);
    }

    KernelPaths paths() const {
        return {.sys = root_ / "sys",
                .dev = root_ / "dev",
                .etc = root_ / "etc",
                .run = root_ / "run",
                .device_nodes = false};
    }
    /// What the kernel is asked to connect appears as "nvme7", live.
    Connect connects() {
        return [this](const ConnectRequest& request) -> Result<std::string> {
            requests_.push_back(request);
            addController("nvme7", {.transport = request.transport,
                                    .address = "traddr=" + request.traddr + ",trsvcid=" + request.trsvcid,
                                    .nqn = request.subsystem_nqn,
                                    .host_nqn = request.options.host_nqn});
            return "nvme7";
        };
    }
    static Connect connectsNever() {
        return [](const ConnectRequest& request) -> Result<std::string> {
            ADD_FAILURE() << "asked to connect to " << request.traddr;
            return std::unexpected(Error{});
        };
    }

    const fs::path root_ = mc::test::temporaryPath("kernel");
    std::vector<ConnectRequest> requests_;
};

/// Over rdma nothing is tried before the kernel is asked.
inline KernelTarget rdmaTarget(const std::string& host = "127.0.0.1") {
    return {.transport = "rdma", .addresses = io::resolve(host, 4420).value(), .subsystem_nqn = kNqn};
}
inline KernelTarget tcpTarget(const std::string& host = "127.0.0.1", std::uint16_t port = 4420) {
    return {.transport = "tcp", .addresses = io::resolve(host, port).value(), .subsystem_nqn = kNqn};
}
inline KernelHostOptions asHost() {
    KernelHostOptions options;
    options.host_nqn = kHostNqn;
    return options;
}
/// Enough for what is there, and over at once for what is not.
inline Deadline soon() {
    return SteadyClock::now() + std::chrono::milliseconds(100);
}

}  // namespace mc::nvme::kernel::test
