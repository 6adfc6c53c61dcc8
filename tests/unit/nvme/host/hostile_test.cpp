// What a controller can do wrong, by design or by mistake: nothing but the connection may suffer.
#include <gmock/gmock.h>

#include <bit>

#include "nvme/host/host_fixture.h"
#include "nvme/host/scripted_target.h"

namespace mc::nvme::host::test {
namespace {

using Outcome = HostRequest::Outcome;
using State = HostController::State;
using testing::Each;
using testing::HasSubstr;

constexpr std::byte kUntouched{0xee};

/// Runs one request against a controller that does `script` with its command, and holds that the request is lost, the
/// connection ended with that complaint, and the memory around the request's untouched.
void expectLost(HostRequest::Kind kind, std::size_t length, const std::string& complaint,
                const std::function<void(PduSocket&, const SubmissionEntry&)>& script, HostOptions options = {},
                const InitializeConnection& response = PduSocket::response()) {
    ScriptedTarget target([&](PduSocket& socket) {
        const auto command = socket.receiveCommand();
        if (!command) return;
        script(socket, *command);
        while (socket.receive()) {
        }
    });
    target.io_response = response;
    options.loss_timeout = 0ms;
    Host host(options);
    host.connect(target.port(), "nqn.test");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes memory(3 * length, kUntouched);
    EXPECT_EQ(host.run(kind, 1, 0, std::span(memory).subspan(length, length)), Outcome::Lost);
    EXPECT_EQ(host.state, State::Gone);
    EXPECT_THAT(host.last_error.message, HasSubstr(complaint));
    EXPECT_THAT(std::vector(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(length)), Each(kUntouched));
    EXPECT_THAT(std::vector(memory.end() - static_cast<std::ptrdiff_t>(length), memory.end()), Each(kUntouched));
}
void expectReadLost(const std::string& complaint,
                    const std::function<void(PduSocket&, const SubmissionEntry&)>& script) {
    expectLost(HostRequest::Kind::Read, 4096, complaint, script);
}
void expectWriteLost(const std::string& complaint,
                     const std::function<void(PduSocket&, const SubmissionEntry&)>& script) {
    expectLost(HostRequest::Kind::Write, 16384, complaint, script);
}

TEST(HostileController, DataBeyondItsCommand) {
    expectReadLost("outside of", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(4100));
    });
}

TEST(HostileController, DataOutOfOrder) {
    expectReadLost("out of order", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 2048, Bytes(2048));
    });
}

TEST(HostileController, DataWhoseEndWraps) {
    expectReadLost("outside of", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(1024), 0);
        socket.sendPdu(PduSocket::dataPdu(command.command_id, 1024, UINT32_MAX - 1000, 0));
    });
}

TEST(HostileController, DataTwice) {
    expectReadLost("outside of", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(4096), pdu_flag::kLastPdu);
        socket.sendData(command.command_id, 0, Bytes(4096), pdu_flag::kLastPdu);
    });
}

TEST(HostileController, DataForAnUnknownCommand) {
    expectReadLost("unknown command", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(static_cast<std::uint16_t>(command.command_id + 1), 0, Bytes(4096));
    });
}

TEST(HostileController, DataOfNoBytes) {
    expectReadLost("contradict", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, {});
    });
}

TEST(HostileController, LengthsThatContradictEachOther) {
    expectReadLost("contradict", [](PduSocket& socket, const SubmissionEntry& command) {
        auto pdu = PduSocket::dataPdu(command.command_id, 0, 4096, pdu_flag::kLastPdu);
        pdu.header.length = 1 << 20;
        socket.sendPdu(pdu, Bytes(4096));
    });
}

TEST(HostileController, SuccessBeforeAllData) {
    expectReadLost("before all data", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(2048));
    });
    expectReadLost("before all data",
                   [](PduSocket& socket, const SubmissionEntry& command) { socket.answer(command.command_id); });
    expectReadLost("before all data", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(4096), pdu_flag::kSuccess);  // Without the last flag.
    });
}

TEST(HostileController, AnAnswerTwice) {
    ScriptedTarget target([](PduSocket& socket) {
        const auto command = socket.receiveCommand();
        socket.sendData(command->command_id, 0, Bytes(4096, std::byte{1}));
        socket.answer(command->command_id);
        while (socket.receive()) {
        }
    });
    HostOptions options;
    options.loss_timeout = 0ms;
    Host host(options);
    host.connect(target.port(), "nqn.test");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes memory(4096);
    EXPECT_EQ(host.read(1, 0, memory), Outcome::Completed);
    EXPECT_TRUE(host.runUntil([&] { return host.state == State::Gone; }));
    EXPECT_THAT(host.last_error.message, HasSubstr("unknown command"));
}

TEST(HostileController, DataForAWrite) {
    expectWriteLost("has not asked", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.sendData(command.command_id, 0, Bytes(512));
    });
}

TEST(HostileController, TransfersThatNobodyOffered) {
    expectReadLost("R2T for a command without", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.askFor(command.command_id, 0, 512);
    });
    expectWriteLost("R2T outside of", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.askFor(command.command_id, 0, 16388);
    });
    expectWriteLost("R2T outside of", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.askFor(command.command_id, 512, 512);
    });
    expectWriteLost("R2T outside of",
                    [](PduSocket& socket, const SubmissionEntry& command) { socket.askFor(command.command_id, 0, 0); });
    expectWriteLost("R2T for an unknown", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.askFor(static_cast<std::uint16_t>(command.command_id ^ 0x400U), 0, 512);
    });
    expectWriteLost("before all data", [](PduSocket& socket, const SubmissionEntry& command) {
        socket.askFor(command.command_id, 0, 512);
        (void)socket.receive();
        socket.answer(command.command_id);
    });
}

TEST(HostileController, MoreTransfersAtOnceThanAllowed) {
    // Four are; the host can't send while nobody reads, so that they add up.
    expectLost(HostRequest::Kind::Write, 128 << 10, "more R2T", [](PduSocket& socket, const SubmissionEntry& command) {
        Bytes all;
        for (std::uint32_t i = 0; i < 8; ++i) {
            ReadyToTransfer pdu{};
            pdu.header = {PduType::ReadyToTransfer, 0, sizeof(pdu), 0, sizeof(pdu)};
            pdu.command_id = command.command_id;
            pdu.data_offset = i * 512;
            pdu.data_length = 512;
            const auto bytes = std::as_bytes(std::span(&pdu, 1));
            all.insert(all.end(), bytes.begin(), bytes.end());
        }
        socket.send(all);
    });
}

TEST(HostileController, AWriteGoesOutInTheRangesAskedFor) {
    Bytes received(16384);
    std::atomic<int> pdus = 0;
    ScriptedTarget target([&](PduSocket& socket) {
        const auto command = socket.receiveCommand();
        socket.askFor(command->command_id, 0, 12288, 21);
        socket.askFor(command->command_id, 12288, 4096, 22);
        std::size_t have = 0;
        while (have < received.size()) {
            const auto pdu = socket.receive();
            if (!pdu) return;
            DataPdu data;
            std::memcpy(&data, pdu->data(), sizeof(data));
            EXPECT_EQ(data.header.type, PduType::HostToControllerData);
            EXPECT_EQ(data.header.data_offset % 32, 0);
            EXPECT_EQ(data.transfer_tag, data.data_offset < 12288 ? 21 : 22);
            EXPECT_LE(data.data_length, 4096U);
            std::memcpy(received.data() + data.data_offset, pdu->data() + data.header.data_offset, data.data_length);
            have += data.data_length;
            ++pdus;
        }
        socket.answer(command->command_id);
        while (socket.receive()) {
        }
    });
    target.io_response.limit = 4096;
    target.io_response.data_alignment = 7;  // 32 bytes.
    Host host;
    host.connect(target.port(), "nqn.test");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes written = patternBytes(16384, 3);
    EXPECT_EQ(host.write(1, 0, written), Outcome::Completed);
    EXPECT_EQ(received, written);
    EXPECT_EQ(pdus, 4);
}

TEST(HostileController, PdusThatAreNone) {
    const auto send = [](PduHeader header) {
        return [header](PduSocket& socket, const SubmissionEntry&) { socket.sendPdu(header, Bytes(24)); };
    };
    expectReadLost("no controller sends", send({PduType::CapsuleCommand, 0, 72, 0, 72}));
    expectReadLost("no controller sends", send({static_cast<PduType>(0x77), 0, 24, 0, 24}));
    expectReadLost("wrong header length", send({PduType::CapsuleResponse, 0, 16, 0, 24}));
    expectReadLost("wrong PDU length", send({PduType::CapsuleResponse, 0, 24, 0, 0xffffffff}));
    expectReadLost("digest flag", send({PduType::CapsuleResponse, pdu_flag::kHeaderDigest, 24, 0, 28}));
    expectReadLost("data offset", send({PduType::ControllerToHostData, 0, 24, 8, 4096}));
    expectReadLost("data offset", send({PduType::ControllerToHostData, 0, 24, 26, 4096}));
    expectReadLost("wrong PDU length", send({PduType::ControllerToHostTerminate, 0, 24, 0, 1 << 20}));
    expectReadLost("ICResp out of turn",
                   [](PduSocket& socket, const SubmissionEntry&) { socket.sendPdu(PduSocket::response()); });
}

TEST(HostileController, SaysWhyItEndsTheConnection) {
    expectReadLost("data transfer out of range, 0x12", [](PduSocket& socket, const SubmissionEntry&) {
        Terminate pdu{};
        pdu.header = {PduType::ControllerToHostTerminate, 0, sizeof(pdu), 0, sizeof(pdu)};
        pdu.status = fatal::kDataTransferOutOfRange;
        pdu.information_low = 0x12;
        socket.sendPdu(pdu);
    });
}

TEST(HostileController, SilenceEndsTheConnection) {
    HostOptions options;
    options.io_timeout = 1500ms;
    expectLost(HostRequest::Kind::Read, 4096, "no answer in time", [](PduSocket&, const SubmissionEntry&) {}, options);
}

TEST(HostileController, WrongInitializations) {
    const auto complaintAbout = [](auto change) {
        ScriptedTarget target([](PduSocket&) {});
        change(target.io_response);
        Host host;
        host.connect(target.port(), "nqn.test");
        EXPECT_FALSE(host.ready());
        return host.last_error.message;
    };
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.version = 1; }), HasSubstr("PDU format"));
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.digests = 2; }), HasSubstr("digest"));
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.limit = 100; }), HasSubstr("MAXH2CDATA"));
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.limit = 65537; }), HasSubstr("MAXH2CDATA"));
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.data_alignment = 32; }), HasSubstr("CPDA"));
    EXPECT_THAT(complaintAbout([](auto& pdu) { pdu.header.type = PduType::CapsuleResponse; }),
                HasSubstr("header length"));
}

std::string complaintAboutAdmin(ScriptedTarget::Admin admin, HostOptions options = {}) {
    ScriptedTarget target([](PduSocket& socket) { (void)socket.receive(); }, std::move(admin));
    options.connect_timeout = std::min(options.connect_timeout, std::chrono::milliseconds(1000));
    Host host(options);
    host.connect(target.port(), "nqn.test");
    EXPECT_FALSE(host.ready());
    return host.last_error.message;
}

TEST(HostileController, AdminAnswersThatMakeNoSense) {
    const auto isIdentify = [](const SubmissionEntry& command, unsigned structure) {
        return command.opcode == nvme_admin_identify && command.cdw10 == structure;
    };
    EXPECT_THAT(complaintAboutAdmin([&](PduSocket& socket, const SubmissionEntry& command) {
                    if (!isIdentify(command, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST)) return false;
                    std::array<std::uint32_t, 1024> numbers{2, 1};  // Backwards.
                    socket.sendData(command.command_id, 0, std::as_bytes(std::span(numbers)));
                    return true;
                }),
                HasSubstr("out of order"));
    EXPECT_THAT(complaintAboutAdmin([&](PduSocket& socket, const SubmissionEntry& command) {
                    if (!isIdentify(command, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST)) return false;
                    std::array<std::uint32_t, 1024> numbers{};  // Without an end.
                    for (std::size_t i = 0; i < numbers.size(); ++i) {
                        numbers[i] = static_cast<std::uint32_t>(command.nsid + i + 1);
                    }
                    socket.sendData(command.command_id, 0, std::as_bytes(std::span(numbers)));
                    return true;
                }),
                HasSubstr("above 16384"));
    EXPECT_THAT(complaintAboutAdmin([&](PduSocket& socket, const SubmissionEntry& command) {
                    if (!isIdentify(command, NVME_IDENTIFY_CNS_CTRL)) return false;
                    socket.answer(command.command_id, 0, NVME_SC_INTERNAL);
                    return true;
                }),
                HasSubstr("Identify Controller: internal error"));
    EXPECT_THAT(complaintAboutAdmin([&](PduSocket& socket, const SubmissionEntry& command) {
                    const auto property = std::bit_cast<PropertyCommand>(command);
                    if (command.opcode != kFabricsOpcode || property.offset != NVME_REG_CSTS) return false;
                    socket.answer(command.command_id, 0);  // Never ready.
                    return true;
                }),
                HasSubstr("no connection"));
    EXPECT_THAT(complaintAboutAdmin([&](PduSocket& socket, const SubmissionEntry& command) {
                    const auto property = std::bit_cast<PropertyCommand>(command);
                    if (command.opcode != kFabricsOpcode || property.offset != NVME_REG_CSTS) return false;
                    socket.answer(command.command_id, 2);  // CFS.
                    return true;
                }),
                HasSubstr("fatal status"));
}

TEST(HostileController, NamespacesThatMakeNoSenseAreNotThere) {
    for (const auto& change : std::vector<std::function<void(nvme_id_ns&)>>{
             [](auto& space) { space.nsze = 0; },
             [](auto& space) { space.lbaf[0].ds = 3; },
             [](auto& space) { space.lbaf[0].ds = 40; },
             [](auto& space) { space.nsze = UINT64_MAX; },
             [](auto& space) { space.lbaf[0].ms = 8; },
             [](auto& space) { space.flbas = 0x6f, space.nlbaf = 63; },
         }) {
        ScriptedTarget target([](PduSocket& socket) { (void)socket.receive(); },
                              [&](PduSocket& socket, const SubmissionEntry& command) {
                                  if (command.opcode != nvme_admin_identify || command.cdw10 != NVME_IDENTIFY_CNS_NS)
                                      return false;
                                  std::array<std::byte, 4096> page{};
                                  auto& space = *reinterpret_cast<nvme_id_ns*>(page.data());
                                  space.nsze = 2048;
                                  space.lbaf[0].ds = 9;
                                  change(space);
                                  socket.sendData(command.command_id, 0, page);
                                  return true;
                              });
        Host host;
        host.connect(target.port(), "nqn.test");
        ASSERT_TRUE(host.ready()) << host.last_error.message;
        EXPECT_TRUE(host.controller().namespaces().empty());
    }
}

// The parts of a request that does not consist of whole blocks were cut for the blocks of before.
TEST(HostileController, BlocksThatChangeTheirSizeWithinARequest) {
    std::atomic<bool> large = false;
    std::atomic<bool> known = false;
    std::atomic<int> reads = 0;
    std::atomic<int> writes = 0;
    ScriptedTarget target(
        [&](PduSocket& socket) {
            std::array<std::uint16_t, 2> ids{};
            for (auto& id : ids) {
                const auto command = socket.receiveCommand();
                if (!command || command->opcode != nvme_cmd_read) return;
                id = command->command_id;
                ++reads;
            }
            known.wait(false);
            for (const auto id : ids) {
                socket.sendData(id, 0, Bytes(512));
            }
            while (const auto command = socket.receiveCommand()) {
                ++writes;
                socket.answer(command->command_id);
            }
        },
        [&](PduSocket& socket, const SubmissionEntry& command) {
            if (command.opcode != nvme_admin_identify || command.cdw10 != NVME_IDENTIFY_CNS_NS) return false;
            std::array<std::byte, 4096> page{};
            auto& space = *reinterpret_cast<nvme_id_ns*>(page.data());
            space.nsze = 2048;
            space.lbaf[0].ds = large ? 12 : 9;
            socket.sendData(command.command_id, 0, page);
            return true;
        });
    Host host;
    host.connect(target.port(), "nqn.test");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    Bytes data(1000);
    NotedRequest write(HostRequest::Kind::Write, 1, 612, data);
    host.controller().submit(write);
    host.controller().flush();
    ASSERT_TRUE(host.runUntil([&] { return reads == 2; }));
    large = true;
    EXPECT_EQ(host.read(2, 0, data), Outcome::Rejected) << "what is not known makes the namespaces be read again";
    ASSERT_EQ(host.controller().namespaces().at(0).block_size, 4096U);
    known = true;
    known.notify_all();
    ASSERT_TRUE(host.runUntil([&] { return write.ends > 0; }));
    EXPECT_EQ(write.outcome, Outcome::Rejected);
    EXPECT_EQ(writes, 0);
}

TEST(HostileController, IsKeptAliveWhileNothingElseHappens) {
    std::atomic<int> kept_alive = 0;
    ScriptedTarget target([](PduSocket& socket) { (void)socket.receive(); },
                          [&](PduSocket&, const SubmissionEntry& command) {
                              if (command.opcode == nvme_admin_keep_alive) ++kept_alive;
                              return false;
                          });
    HostOptions options;
    options.keep_alive = 40ms;
    Host host(options);
    host.connect(target.port(), "nqn.test");
    ASSERT_TRUE(host.ready()) << host.last_error.message;
    EXPECT_TRUE(host.runUntil([&] { return kept_alive >= 3; }));
    EXPECT_EQ(host.state, State::Ready);
}

TEST(HostileController, TheNextAddressIsTriedWhereNobodyAnswers) {
    ScriptedTarget target([](PduSocket& socket) { (void)socket.receive(); });
    std::uint16_t free_port = 0;
    {
        const auto listener = io::listenOn(io::resolve("127.0.0.1", 0)->front(), 1);
        free_port = io::localAddress(*listener).port();
    }
    Host host;
    host.connect({io::resolve("127.0.0.1", free_port)->front(), io::resolve("127.0.0.1", target.port())->front()},
                 "nqn.test");
    EXPECT_TRUE(host.ready()) << host.last_error.message;
}

}  // namespace
}  // namespace mc::nvme::host::test
