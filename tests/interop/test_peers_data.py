"""The scripted peers against each other: the TCP data transport."""

import observed
from peer import sockets
from peer.data_frames import READ, READ_V2, WRITE, WRITE_V2
from peer.initiator import Refused
from peer.region import pattern
from support import InteropTest, ScriptedTarget

DATA = bytes(range(100, 116))
PERSISTENT = ("main", "v0.3.10", "lying")
CLOSING = ("nvmf", "lying-closing", "v2-closing")
SPEAKS_V2 = ("main", "v2-closing", "slow")


class WellBehaved(InteropTest):
    def assert_holds(self, target: ScriptedTarget, offset: int, data: bytes) -> None:
        with target.connect() as connection:
            self.assertEqual(connection.read(target.base + offset, len(data)), data)

    def test_v1_write_then_read_on_every_profile(self) -> None:
        for profile in PERSISTENT + CLOSING + ("slow",):
            target = self.scripted_target(profile)
            with target.connect() as connection:
                connection.write(target.base + 64, DATA)
                if profile in CLOSING:
                    self.assertEqual(connection.rest(), b"")
                else:
                    self.assert_still_open(connection)
            self.assert_holds(target, 60, pattern(60, 4) + DATA)
            record = target.record()
            self.assertEqual(record["violations"], {}, profile)
            self.assertEqual(record["requests_per_connection"], {"1": 2}, profile)
            self.assertEqual(record["opcodes"], {"0x00": 1, "0x01": 1}, profile)
            self.assertEqual(record["bytes_written"], len(DATA), profile)
            self.assertEqual(record["unconfirmed_writes"], 0 if profile in CLOSING else 1, profile)

    def test_a_second_read_is_answered_unless_the_profile_closes(self) -> None:
        for profile in PERSISTENT + CLOSING:
            target = self.scripted_target(profile)
            with target.connect() as connection:
                self.assertEqual(connection.read(target.base, 16), pattern(0, 16))
                connection.send(READ, target.base + 16, 16)
                rest = connection.rest() if profile in CLOSING else connection.receive(16)
            self.assertEqual(rest, b"" if profile in CLOSING else pattern(16, 16), profile)
            record = target.record()
            self.assertEqual(record["violations"], {}, profile)
            self.assertEqual(record["late"], {"0x00": 1} if profile in CLOSING else {}, profile)

    def test_v2_is_acknowledged_as_observed(self) -> None:
        for profile in SPEAKS_V2:
            target = self.scripted_target(profile)
            with target.connect() as connection:
                connection.send(READ_V2, target.base, 16)
                self.assertEqual(connection.receive(24), observed.STATUS_OK + pattern(0, 16), profile)
            with target.connect() as connection:
                connection.send(WRITE_V2, target.base, len(DATA), DATA)
                self.assertEqual(connection.receive(8), observed.STATUS_OK, profile)
                if profile == "v2-closing":
                    self.assertEqual(connection.rest(), b"")
                else:
                    self.assert_still_open(connection)
            self.assert_holds(target, 0, DATA)
            self.assertEqual(target.record()["violations"], {}, profile)

    def test_v1_peers_answer_a_v2_write_as_a_read(self) -> None:
        for profile in ("nvmf", "lying-closing", "v0.3.10", "lying"):
            target = self.scripted_target(profile)
            with target.connect() as connection:
                connection.send(READ_V2, target.base, 16)
                self.assertEqual(connection.receive(16), pattern(0, 16), profile)
            with target.connect() as connection:
                connection.send(WRITE_V2, target.base, 16, DATA)
                self.assertEqual(connection.receive(16), pattern(0, 16), profile)
            self.assert_holds(target, 0, pattern(0, 16))
            self.assertIn("v2 write before a status frame was seen", target.record()["violations"], profile)

    def test_unknown_opcodes_are_reads_and_padding_is_ignored(self) -> None:
        for profile in ("main", "nvmf"):
            target = self.scripted_target(profile)
            with target.connect(padding=b"garbage") as connection:
                self.assertEqual(connection.read(target.base, 16, opcode=7), pattern(0, 16))
            self.assertEqual(target.record()["nonzero_padding"], 1)

    def test_main_rejects_what_is_not_inside_one_buffer(self) -> None:
        target = self.scripted_target("main", buffers=2, buffer_size=4096)
        end = target.base + 8192
        outside = [(end, 1), (target.base - 1, 2), (target.base + 4088, 16), (end - 8, 16), (end - 8, (1 << 64) - 8)]
        for addr, size in [*outside, (target.base, 0)]:
            for opcode in (READ_V2, WRITE_V2, READ, WRITE):
                with target.connect() as connection:
                    connection.send(opcode, addr, size)
                    expected = observed.STATUS_REJECTED if opcode & 0x80 else b""
                    self.assertEqual(connection.rest(), expected, (opcode, addr - target.base, size))
        with target.connect() as connection:
            connection.send(WRITE_V2, end, 16, DATA)
            self.assertEqual(connection.rest(), observed.STATUS_REJECTED)
        with target.connect() as connection, self.assertRaises(Refused):
            connection.write_v2(end, DATA)
        self.assertEqual(target.record()["rejected"], 26)

    def test_what_would_crash_a_peer_without_checks_is_a_violation(self) -> None:
        target = self.scripted_target("nvmf")
        with target.connect() as connection:
            connection.send(READ, target.base - 8, 8)
            self.assertEqual(connection.rest(), b"")
        violations = target.record()["violations"]
        self.assertEqual(list(violations), ["address outside every buffer to a peer that does not check it"])

    def test_large_payloads_arrive_whole(self) -> None:
        target = self.scripted_target("main", buffer_size=8 << 20)
        data = bytes(range(256)) * (4 << 12)
        with target.connect() as connection:
            self.assertEqual(connection.read_v2(target.base, 8 << 20), pattern(0, 8 << 20))
            connection.write_v2(target.base + 1, data)
            self.assertEqual(connection.read_v2(target.base + 1, len(data)), data)


class Strictness(InteropTest):
    """What the scripted target holds against a careless client."""

    def violations(self, target: ScriptedTarget) -> list[str]:
        return sorted(target.record()["violations"])

    def test_v2_to_a_peer_that_publishes_none(self) -> None:
        target = self.scripted_target("v0.3.10")
        with target.connect() as connection:
            connection.send(READ_V2, target.base, 8)
            connection.receive(8)
        self.assertEqual(self.violations(target), ["v2 request to a peer that does not publish version 2"])

    def test_v1_write_on_a_used_connection_before_two_answers_on_one(self) -> None:
        text = "v1 write on a used connection before a second answer was seen on one"
        target = self.scripted_target("v0.3.10")
        with target.connect() as connection:
            connection.read(target.base, 8)
            connection.write(target.base, DATA)
            connection.read(target.base, 8)
            connection.write(target.base, DATA)
            connection.read(target.base, 8)
        record = target.record()
        self.assertEqual(record["violations"], {text: 1})
        self.assertEqual(record["requests_per_connection"], {"5": 1})
        self.assertEqual(record["unconfirmed_writes"], 0)

    def test_writes_to_a_connection_that_was_closed(self) -> None:
        target = self.scripted_target("nvmf")
        with target.connect() as connection:
            connection.write(target.base, DATA)
            connection.write(target.base + 16, DATA)
            self.assertEqual(connection.rest(), b"")
        self.assertEqual(self.violations(target), ["v1 write on a connection that the peer had closed"])

    def test_pipelining(self) -> None:
        for profile, expected in (("nvmf", ["pipelined to a peer that closes after each request"]), ("main", [])):
            target = self.scripted_target(profile)
            with target.connect() as connection:
                connection.sock.sendall(connection.header(READ, target.base, 8) * 2)
                connection.receive(8)
            record = target.record()
            self.assertEqual((record["pipelined"], sorted(record["violations"])), (1, expected))

    def test_a_client_that_vanishes_is_counted(self) -> None:
        target = self.scripted_target("main")
        with target.connect() as connection:
            connection.sock.sendall(bytes(10))
        with target.connect() as connection:
            connection.send(WRITE_V2, target.base, 16, DATA[:8])
        with target.connect() as connection:
            connection.send(WRITE, target.base, 16, DATA[:8])
            sockets.reset(connection.sock)
        with target.connect() as connection:
            self.assertEqual(connection.read_v2(target.base + 16, 8), pattern(16, 8))
        record = target.record()
        self.assertEqual(record["truncated_headers"], 1)
        self.assertGreaterEqual(record["truncated_payloads"], 1)
