// What hosts recognise an engine's files by, before and after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "mc/engine.h"

#include "metadata/memory_store.h"
#include "nvme/host/host_fixture.h"
#include "temporary.h"

namespace mc {
namespace {

constexpr const char* kWhere = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0";

/// Serves the file with an engine that is gone afterwards, as a host finds it.
nvme::NamespaceInfo serveOnce(const std::string& path, const std::string& nqn,
                              const std::function<Result<void>(TransferEngine&)>& join) {
    EngineOptions options;
    options.nvmeof.nqn = nqn;
    TransferEngine engine(options);
    const auto joined = join(engine);
    EXPECT_TRUE(joined) << joined.error().message;
    EXPECT_TRUE(engine.installTransport("nvmeof_generic", kWhere));
    EXPECT_TRUE(engine.registerLocalFile(path));
    const NvmeTransportId trid = engine.fileService()->trid;
    nvme::host::test::Host host;
    host.connect(static_cast<std::uint16_t>(std::stoi(trid.trsvcid)), trid.subnqn);
    EXPECT_TRUE(host.ready()) << host.last_error.message;
    return host.controller().namespaces().at(0);
}

nvme::NamespaceInfo serveUnnamed(const std::string& path, const std::string& nqn = {}) {
    return serveOnce(path, nqn, [](TransferEngine& engine) { return engine.init("P2PHANDSHAKE", "127.0.0.1"); });
}

nvme::NamespaceInfo serveAs(const std::string& name, const std::string& path, const std::string& nqn = {}) {
    return serveOnce(path, nqn, [&](TransferEngine& engine) {
        return engine.init(std::make_shared<metadata::MemoryStore>(), name, "127.0.0.1");
    });
}

void expectSame(const nvme::NamespaceInfo& a, const nvme::NamespaceInfo& b) {
    EXPECT_EQ(a.nguid, b.nguid);
    EXPECT_EQ(a.uuid, b.uuid);
}
void expectDifferent(const nvme::NamespaceInfo& a, const nvme::NamespaceInfo& b) {
    EXPECT_NE(a.nguid, b.nguid);
    EXPECT_NE(a.uuid, b.uuid);
}

TEST(FileIdentity, StaysThoughThePortInTheNameIsAnotherOne) {
    const test::TemporaryFile first("first", 8192), second("second", 8192);
    const auto before = serveUnnamed(first.path());
    expectSame(before, serveUnnamed(first.path()));
    expectDifferent(before, serveUnnamed(second.path()));
    EXPECT_NE(before.nguid, before.uuid);
}

TEST(FileIdentity, IsThatOfANamedSubsystem) {
    const test::TemporaryFile file("file", 8192);
    const auto before = serveUnnamed(file.path(), "nqn.2024-01.test:a");
    expectSame(before, serveUnnamed(file.path(), "nqn.2024-01.test:a"));
    expectDifferent(before, serveUnnamed(file.path(), "nqn.2024-01.test:b"));
    expectDifferent(before, serveUnnamed(file.path()));
}

TEST(FileIdentity, IsThatOfANameInAStoreWhateverTheSubsystem) {
    const test::TemporaryFile file("file", 8192);
    const auto before = serveAs("node1", file.path());
    expectSame(before, serveAs("node1", file.path()));
    expectSame(before, serveAs("node1", file.path(), "nqn.2024-01.test:a"));
    expectDifferent(before, serveAs("node2", file.path()));
}

}  // namespace
}  // namespace mc
