#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "mc/engine.h"

#include "metadata/memory_store.h"
#include "mount/remote_files.h"
#include "temporary.h"

namespace mc::mount {

/// An engine that serves a file, and what a mount sees of it.
class ServedFile : public testing::Test {
  protected:
    static constexpr std::size_t kSize = 1 << 20;

    void SetUp() override {
        serve();
        auto opened = RemoteFiles::open({.engine = {},
                                         .store = store_,
                                         .server_name = "here",
                                         .timeout = timeout_,
                                         .memory_size = kSize,
                                         .page_receivers = 1});
        ASSERT_TRUE(opened) << opened.error().message;
        remote_ = std::move(*opened);
    }
    void serve(bool read_only = false) {
        target_ = std::make_unique<TransferEngine>();
        ASSERT_TRUE(target_->init(store_, "node1", "127.0.0.1"));
        const auto where = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=" + port_;
        const auto installed = target_->installTransport("nvmeof_generic", where);
        ASSERT_TRUE(installed) << installed.error().message;
        ASSERT_TRUE(target_->registerLocalFile(file_.path(), {.read_only = read_only}));
        port_ = target_->fileService()->trid.trsvcid;
    }
    void use() {
        const auto descriptor = remote_->describe("node1");
        ASSERT_TRUE(descriptor) << descriptor.error().message;
        const auto used = remote_->use("node1", planFiles(*descriptor).value());
        ASSERT_TRUE(used) << used.error().message;
    }
    const MountedFile& file() const { return remote_->files().front(); }
    std::span<std::byte> data() { return remote_->memory(); }

    std::chrono::milliseconds timeout_ = std::chrono::seconds(20);
    const test::TemporaryFile file_{"served", kSize};
    const std::shared_ptr<metadata::MemoryStore> store_ = std::make_shared<metadata::MemoryStore>();
    std::string port_ = "0";
    std::unique_ptr<TransferEngine> target_;
    std::unique_ptr<RemoteFiles> remote_;
};

}  // namespace mc::mount
