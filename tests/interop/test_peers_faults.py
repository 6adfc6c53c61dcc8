"""The scripted peers against each other: targets that misbehave."""

import time

import observed
from peer import sockets
from peer.data_frames import READ, READ_V2, WRITE, WRITE_V2
from peer.data_server import DRIBBLE_SECONDS
from peer.region import pattern
from support import InteropTest

DATA = bytes(16)


class Faults(InteropTest):
    def rest(self, profile: str, opcode: int, payload: bytes = b"", **options: object) -> bytes:
        """What answers one request of 16 bytes, up to the close."""
        target = self.scripted_target(profile, **options)
        with target.connect() as connection:
            connection.send(opcode, target.base, 16, payload)
            return connection.rest()

    def test_rejecting(self) -> None:
        self.assertEqual(self.rest("rejecting", READ_V2), observed.STATUS_REJECTED)
        self.assertEqual(self.rest("rejecting", READ), b"")

    def test_status_frames_that_are_none(self) -> None:
        self.assertEqual(self.rest("garbage-status", READ_V2), b"\xa5" * 8)
        self.assertEqual(self.rest("unknown-status", READ_V2), bytes.fromhex("07000000 5654434d"))
        self.assertEqual(self.rest("garbage-status", READ), b"")

    def test_stalls(self) -> None:
        for profile, opcode, expected in (
            ("stalls-header", READ_V2, b""),
            ("stalls-payload", READ_V2, observed.STATUS_OK + pattern(0, 8)),
            ("stalls-payload", READ, pattern(0, 8)),
            ("stalls-payload", WRITE_V2, b""),
        ):
            target = self.scripted_target(profile)
            with target.connect() as connection:
                connection.send(opcode, target.base, 16, DATA if opcode == WRITE_V2 else b"")
                self.assertEqual(connection.receive(len(expected)), expected, profile)
                self.assert_still_open(connection)

    def test_resets(self) -> None:
        for opcode, expected in ((READ_V2, observed.STATUS_OK + pattern(0, 8)), (WRITE_V2, b"")):
            target = self.scripted_target("resets")
            with target.connect() as connection:
                connection.send(opcode, target.base, 16, DATA if opcode == WRITE_V2 else b"")
                self.assertEqual(connection.receive(len(expected)), expected)
                with self.assertRaises(ConnectionResetError):
                    connection.receive(1)

    def test_truncates(self) -> None:
        self.assertEqual(self.rest("truncates", READ_V2), observed.STATUS_OK + pattern(0, 8))

    def test_forgets_writes(self) -> None:
        target = self.scripted_target("forgets-writes")
        with target.connect() as connection:
            connection.write_v2(target.base, DATA)
            self.assertEqual(connection.read_v2(target.base, 16), pattern(0, 16))

    def test_corrupts_reads(self) -> None:
        target = self.scripted_target("corrupts-reads")
        with target.connect() as connection:
            connection.write_v2(target.base, DATA)
            got = connection.read_v2(target.base, 16)
        self.assertEqual(got, DATA[:8] + b"\x10" + DATA[9:])

    def test_faults_wait_for_their_turn(self) -> None:
        target = self.scripted_target("rejecting", good_requests=2)
        with target.connect() as connection:
            self.assertEqual(connection.read_v2(target.base, 16), pattern(0, 16))
            connection.write_v2(target.base, DATA)
            connection.send(READ_V2, target.base, 16)
            self.assertEqual(connection.rest(), observed.STATUS_REJECTED)

    def test_slow_sends_the_status_in_pieces_and_everything_in_the_end(self) -> None:
        target = self.scripted_target("slow")
        with target.connect() as connection:
            begin = time.monotonic()
            self.assertEqual(connection.read_v2(target.base, 5000), pattern(0, 5000))
            self.assertGreater(time.monotonic() - begin, len(observed.STATUS_OK) * DRIBBLE_SECONDS)
            connection.write_v2(target.base, pattern(7, 5000))
            self.assertEqual(connection.read_v2(target.base, 5000), pattern(7, 5000))

    def test_memory_can_look_like_status_frames(self) -> None:
        target = self.scripted_target("lying", fill=observed.STATUS_OK.hex())
        with target.connect() as connection:
            connection.send(READ_V2, target.base, 16)
            self.assertEqual(connection.receive(16), observed.STATUS_OK * 2)
            self.assert_still_open(connection)

    def test_a_v1_write_can_lie_around_before_it_is_applied(self) -> None:
        target = self.scripted_target("nvmf", apply_delay=1.0)
        with target.connect() as writer, target.connect() as reader:
            begin = time.monotonic()
            writer.send(WRITE, target.base, 16, DATA)
            seen = reader.read(target.base, 16)
            if time.monotonic() - begin < 1.0:
                self.assertEqual(seen, pattern(0, 16))
            self.assertEqual(sockets.receive_until_closed(writer.sock), b"")
        with target.connect() as connection:
            self.assertEqual(connection.read(target.base, 16), DATA)
