#include "control/file_methods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "control/methods.h"
#include "temporary.h"

namespace mc::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FileMethods : public testing::Test {
  protected:
    FileMethods() {
        std::filesystem::create_directory(directory_);
        for (const char* name : {"f0", "f1", "f2"})
            std::ofstream(directory_ / name) << std::string(1 << 20, 'x');
    }
    ~FileMethods() override {
        target_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open(TargetOptions options) {
        options.server_name = "127.0.0.1";
        options.protocol = "tcp";
        options.trid = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0";
        auto target = Target::open(options);
        ASSERT_TRUE(target) << target.error().message;
        target_ = std::move(*target);
        methods_ = targetMethods(*target_, "/run/t.sock");
    }
    void openWithFile() { open({.metadata_server = "P2PHANDSHAKE", .files = {{.path = path("f0")}}, .engine = {}}); }
    json call(std::string_view method, const json& params) {
        const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
        return json::parse(methods_.answer(request.dump()).value());
    }
    json status() { return call("status", json::object())["result"]; }
    std::string refused(std::string_view method, const json& params) {
        const json reply = call(method, params);
        EXPECT_EQ(reply["error"]["code"], -32602) << reply;
        return reply["error"]["message"];
    }
    std::string path(std::string_view name) const { return directory_ / name; }

    const std::filesystem::path directory_ = mc::test::temporaryPath("files");
    std::unique_ptr<Target> target_;
    RpcMethods methods_;
};

// Writes to the file and reads it back; what the initiator is told of the request.
TaskStatus write(TransferEngine& initiator, SegmentHandle segment, FileBufferID file, std::span<std::byte> from) {
    const auto batch = initiator.allocateBatchID(1).value();
    TransferRequest request;
    request.opcode = Opcode::Write;
    request.source = from.data();
    request.target_id = segment;
    request.target_offset = 4096;
    request.length = from.size();
    request.file_id = file;
    EXPECT_TRUE(initiator.submitTransfer(batch, {&request, 1}));
    EXPECT_TRUE(initiator.waitBatch(batch, std::chrono::seconds(20)));
    const TaskStatus status = initiator.getTransferStatus(batch, 0)->s;
    EXPECT_TRUE(initiator.freeBatchID(batch));
    return status;
}

TEST_F(FileMethods, AddAndRemoveWhileItServes) {
    openWithFile();
    TransferEngine initiator;
    ASSERT_TRUE(initiator.init("P2PHANDSHAKE", "127.0.0.1"));
    ASSERT_TRUE(initiator.installTransport("nvmeof_generic"));
    std::vector<std::byte> local(8192, std::byte{42});
    ASSERT_TRUE(initiator.registerLocalMemory(local.data(), local.size()));
    const auto segment = initiator.openSegment(target_->name()).value();
    EXPECT_EQ(write(initiator, segment, 1, local), TaskStatus::COMPLETED);

    const json added = call("add_files", {{"files", json::array({path("f1") + ":64KiB", path("f2")})}})["result"];
    EXPECT_EQ(added["name"], target_->name());
    EXPECT_EQ(added["files_segment"], target_->name());
    EXPECT_EQ(added["dry_run"], false);
    EXPECT_EQ(added["files_served"], 3);
    EXPECT_EQ(added["files"][0],
              (json{{"number", 2}, {"path", path("f1")}, {"size_bytes", 65536}, {"read_only", false}}));
    EXPECT_EQ(status()["files"][1], added["files"][0]);
    ASSERT_TRUE(initiator.syncSegmentCache());
    EXPECT_EQ(write(initiator, segment, 2, local), TaskStatus::COMPLETED);

    json service = status()["file_service"];
    for (int i = 0; i < 600 && service["hosts"][0]["load"].is_null(); ++i)  // Of a loop that was busy for too long.
        service = status()["file_service"];
    EXPECT_EQ(service["bytes_written"], 16384);
    ASSERT_EQ(service["hosts"].size(), 1);
    EXPECT_GE(service["hosts"][0]["io_queues"], 1);
    const json& load = service["hosts"][0]["load"];
    for (const char* name : {"rtt_us", "retransmitted_segments", "unacknowledged_bytes", "unsent_bytes", "queued_bytes",
                             "commands", "on_device", "awaiting_data", "sending"})
        EXPECT_TRUE(load[name].is_number_unsigned()) << name << " of " << load;
    EXPECT_GT(load["rtt_us"], 0);
    EXPECT_EQ(load["commands"], 0) << "all have ended";
    EXPECT_EQ(service["trid"]["subnqn"], "nqn.2016-06.io.mc:" + target_->name());

    const json removed = call("remove_files", {{"files", json::array({"2", path("f0")})}})["result"];
    EXPECT_EQ(removed["files"].size(), 2);
    EXPECT_EQ(removed["files_served"], 1);
    ASSERT_TRUE(initiator.syncSegmentCache());
    EXPECT_EQ(write(initiator, segment, 2, local), TaskStatus::INVALID);
    EXPECT_EQ(write(initiator, segment, 3, local), TaskStatus::COMPLETED);
}

TEST(FileService, WhatHostsAreDoingIsNullWhereItIsNotKnown) {
    const FileHostLoad load{.round_trip = std::chrono::milliseconds(2),
                            .retransmitted_segments = 1,
                            .unacknowledged_bytes = 2,
                            .unsent_bytes = 3,
                            .queued_bytes = 4,
                            .commands = 5,
                            .on_device = 6,
                            .awaiting_data = 7,
                            .sending = 8};
    FileService service;
    service.hosts = {FileHost{}, FileHost{.nqn = "nqn.known", .load = load}};
    const json hosts = toJson(service)["hosts"];
    EXPECT_EQ(hosts[0]["load"], nullptr);
    EXPECT_EQ(hosts[1]["load"], (json{{"rtt_us", 2000},
                                      {"retransmitted_segments", 1},
                                      {"unacknowledged_bytes", 2},
                                      {"unsent_bytes", 3},
                                      {"queued_bytes", 4},
                                      {"commands", 5},
                                      {"on_device", 6},
                                      {"awaiting_data", 7},
                                      {"sending", 8}}));
    service.backend = NvmeofBackend::Kernel;
    EXPECT_EQ(toJson(service)["hosts"], nullptr);
}

TEST_F(FileMethods, TheLastFileMayGoAndAnotherCome) {
    openWithFile();
    EXPECT_EQ(call("remove_files", {{"files", json::array({"1"})}})["result"]["files_served"], 0);
    EXPECT_EQ(status()["files"], json::array());
    EXPECT_EQ(status()["files_segment"], nullptr);
    EXPECT_EQ(call("add_files", {{"files", json::array({path("f0")})}})["result"]["files"][0]["number"], 2);
}

TEST_F(FileMethods, ADryRunChangesNothing) {
    openWithFile();
    const json before = status()["files"];
    const json added = call("add_files", {{"files", json::array({path("f1")})}, {"dry_run", true}})["result"];
    EXPECT_EQ(added["files"], json::array());
    EXPECT_EQ(added["files_served"], 1);
    const json removed = call("remove_files", {{"files", json::array({"1"})}, {"dry_run", true}})["result"];
    EXPECT_EQ(removed["files"], before);
    const auto code = [&](std::string_view method, const std::string& file) {
        return call(method, {{"files", json::array({file})}, {"dry_run", true}})["error"]["data"]["code"];
    };
    EXPECT_EQ(code("add_files", path("none")), "no_input");
    EXPECT_EQ(code("add_files", path("f0")), "already_exists");
    EXPECT_EQ(code("add_files", path("f1") + ":2MiB"), "invalid_argument");
    EXPECT_EQ(code("remove_files", "7"), "not_found");
    EXPECT_TRUE(
        call("remove_files", {{"files", json::array({"7"})}, {"ignore_missing", true}})["result"]["files"].empty());
    EXPECT_EQ(status()["files"], before);
}

TEST_F(FileMethods, SeveralAreAddedOrNone) {
    openWithFile();
    EXPECT_EQ(call("add_files", {{"files", json::array({path("f1"), path("none")})}})["error"]["data"]["code"],
              "no_input");
    EXPECT_EQ(target_->files().size(), 1);
}

TEST_F(FileMethods, WrongParamsAreNamed) {
    openWithFile();
    EXPECT_THAT(refused("add_files", json::object()), HasSubstr("\"files\" must be a list of strings"));
    EXPECT_THAT(refused("add_files", {{"files", json::array({path("f1")})}, {"force", 1}}), HasSubstr("\"force\""));
    EXPECT_THAT(refused("add_files", {{"files", json::array({path("f1") + ":0"})}}), HasSubstr("a size of 0"));
    EXPECT_THAT(refused("remove_files", {{"files", json::array({""})}}), HasSubstr("empty"));
    EXPECT_THAT(refused("remove_files", {{"file", json::array({"1"})}}), HasSubstr("\"file\" is unknown"));
    EXPECT_EQ(call("add_memory", {{"memory", json::array({"4KiB"})}})["error"]["data"]["code"], "unsupported");
}

TEST_F(FileMethods, MemoryAndFilesAreTwoSegmentsOfAStore) {
    open({.metadata_server = "memory:",
          .memory = {{.size = 4096, .node = {}}},
          .files = {{.path = path("f0"), .size = 65536, .number = 7}},
          .read_only = true,
          .engine = {}});
    const json told = status();
    EXPECT_EQ(told["protocol"], "tcp,nvmeof_generic");
    EXPECT_EQ(told["files_segment"], "127.0.0.1-files");
    EXPECT_EQ(told["keys"].size(), 4);
    EXPECT_EQ(told["files"][0],
              (json{{"number", 7}, {"path", path("f0")}, {"size_bytes", 65536}, {"read_only", true}}));
    // Those behind have higher numbers.
    EXPECT_EQ(call("add_files", {{"files", json::array({path("f1")})}})["result"]["files"][0]["number"], 8);
    EXPECT_EQ(call("remove_files", {{"files", json::array({"7", "8"})}})["result"]["files_served"], 0);
    EXPECT_EQ(status()["keys"].size(), 2);
}

TEST_F(FileMethods, AHandshakeHasRoomForOneSegment) {
    const auto both = Target::open({.metadata_server = "P2PHANDSHAKE",
                                    .server_name = "127.0.0.1",
                                    .protocol = "tcp",
                                    .memory = {{.size = 4096, .node = {}}},
                                    .files = {{.path = path("f0")}},
                                    .trid = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0",
                                    .engine = {}});
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(both.error().message, HasSubstr("P2PHANDSHAKE"));
    open({.metadata_server = "P2PHANDSHAKE", .memory = {{.size = 4096, .node = {}}}, .engine = {}});
    EXPECT_THAT(refused("add_files", {{"files", json::array({path("f0")})}}), HasSubstr("P2PHANDSHAKE"));
    EXPECT_EQ(status()["file_service"], nullptr);
}

}  // namespace
}  // namespace mc::control
