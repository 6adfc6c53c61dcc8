"""Targets, used by scripted initiators of every release: the TCP data transport."""

import contextlib
import time

import observed
from peer import sockets
from peer.data_frames import READ, READ_V2, WRITE, WRITE_V2
from target_case import MemoryTargetTest, TargetTest

GARBAGE = b"\xde\xad\xbe\xef\x99\x01\x80"
TOP = 1 << 64


def lies_in(range_: tuple[int, int], buffer: tuple[int, int]) -> bool:
    """Both are an address and a length."""
    return range_[1] > 0 and buffer[0] <= range_[0] and sum(range_) <= sum(buffer)


class Clients(TargetTest):
    def eventually_holds(self, addr: int, data: bytes) -> None:
        """A v1 write tells nothing; what it wrote is there in the end."""
        deadline = time.monotonic() + 10
        got = b""
        while got != data and time.monotonic() < deadline:
            with self.target.connect() as connection:
                got = connection.read(addr, len(data))
        self.assertEqual(got, data)

    def test_v1_with_one_connection_for_each_request(self) -> None:
        for number in range(30):
            addr, data = self.target.base + number * 100, self.data(100)
            with self.target.connect(padding=GARBAGE) as connection:
                connection.write(addr, data)
            self.eventually_holds(addr, data)

    def test_v1_with_one_connection_for_all(self) -> None:
        with self.target.connect() as connection:
            for size in (1, 7, 8, 4096, 65537, 500_000):
                data = self.data(size)
                connection.write(self.target.base, data)
                self.assert_still_open(connection)
                self.assertEqual(connection.read(self.target.base, size), data)

    def test_v2_byte_for_byte(self) -> None:
        data = self.data()
        with self.target.connect() as connection:
            connection.send(WRITE_V2, self.target.base, 16, data)
            self.assertEqual(connection.receive(8), observed.STATUS_OK)
            connection.send(READ_V2, self.target.base, 16)
            self.assertEqual(connection.receive(24), observed.STATUS_OK + data)
            self.assert_still_open(connection)

    def test_v1_and_v2_mixed_on_one_connection(self) -> None:
        first, second = self.data(), self.data()
        with self.target.connect(padding=GARBAGE) as connection:
            connection.write(self.target.base, first)
            self.assertEqual(connection.read_v2(self.target.base, 16), first)
            connection.write_v2(self.target.base, second)
            self.assertEqual(connection.read(self.target.base, 16), second)

    def test_unknown_opcodes_are_reads(self) -> None:
        data = self.data()
        with self.target.connect() as connection:
            connection.write_v2(self.target.base, data)
            for opcode in (2, 7, 0x7F):
                self.assertEqual(connection.read(self.target.base, 16, opcode), data)
            self.assert_still_open(connection)

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        data = self.data(64 * 1000)
        with self.target.connect() as connection:
            pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
            burst = b"".join(
                connection.header(WRITE_V2, self.target.base + index * 1000, 1000) + piece
                for index, piece in enumerate(pieces)
            )
            burst += b"".join(
                connection.header(READ_V2, self.target.base + index * 1000, 1000) for index in range(len(pieces))
            )
            connection.sock.sendall(burst)
            self.assertEqual(connection.receive(8 * len(pieces)), observed.STATUS_OK * len(pieces))
            expected = b"".join(observed.STATUS_OK + piece for piece in pieces)
            self.assertEqual(connection.receive(len(expected)), expected)

    def test_a_header_one_byte_at_a_time(self) -> None:
        data = self.data()
        with self.target.connect() as connection:
            for byte in connection.header(WRITE_V2, self.target.base, 16) + data:
                connection.sock.sendall(bytes([byte]))
                time.sleep(0.002)
            self.assertEqual(connection.receive(8), observed.STATUS_OK)
            self.assertEqual(connection.read_v2(self.target.base, 16), data)

    def test_the_whole_buffer_and_its_last_byte(self) -> None:
        data = self.data(self.target.length)
        with self.target.connect(timeout=30.0) as connection:
            connection.write_v2(self.target.base, data)
            self.assertEqual(connection.read_v2(self.target.base, len(data)), data)
            self.assertEqual(connection.read_v2(self.target.base + len(data) - 1, 1), data[-1:])


class Addresses(TargetTest):
    def refused_ranges(self) -> list[tuple[int, int]]:
        base, length = self.target.base, self.target.length
        end = base + length
        ranges = [
            (base, 0),  # empty
            (end, 0),
            (0, 8),  # nowhere
            (end, 8),
            (base - 1, 8),  # across an edge
            (end - 7, 8),
            (base, length + 1),
            (base, TOP - base),  # up to and over the end of the address space
            (base, TOP - base + 1),
            (base + 8, TOP - 8),
            (TOP - 8, 16),
            (TOP - 1, TOP - 1),
        ]
        buffers = sorted((buffer["addr"], buffer["length"]) for buffer in self.target.descriptor["buffers"])
        for (addr, size), (following, _) in zip(buffers, buffers[1:]):
            ranges.append((addr + size - 4, following + 4 - (addr + size - 4)))  # across two buffers
        # Another buffer may begin where the first one ends.
        return [each for each in ranges if not any(lies_in(each, buffer) for buffer in buffers)]

    def test_v2_is_refused_with_a_status_frame(self) -> None:
        for addr, size in self.refused_ranges():
            for opcode in (READ_V2, WRITE_V2):
                with self.target.connect() as connection:
                    connection.send(opcode, addr, size)
                    self.assertEqual(connection.rest(), observed.STATUS_REJECTED, (opcode, addr, size))

    def test_v1_is_refused_by_closing(self) -> None:
        for addr, size in self.refused_ranges():
            for opcode in (READ, WRITE):
                with self.target.connect() as connection:
                    connection.send(opcode, addr, size)
                    self.assertEqual(connection.rest(), b"", (opcode, addr, size))

    def test_a_refused_write_does_not_touch_memory(self) -> None:
        end = self.target.base + self.target.length
        with self.target.connect() as connection:
            before = connection.read_v2(end - 8, 8)
        for opcode, answer in ((WRITE, b""), (WRITE_V2, observed.STATUS_REJECTED)):
            with self.target.connect() as connection:
                connection.send(opcode, end - 8, 16, bytes(byte ^ 0xFF for byte in before) * 2)
                self.assertEqual(connection.rest(), answer)
        with self.target.connect() as connection:
            self.assertEqual(connection.read_v2(end - 8, 8), before)

    def test_a_refused_payload_is_not_drained(self) -> None:
        with self.target.connect() as connection:
            connection.send(WRITE_V2, self.target.base + self.target.length, 1 << 40)
            with self.assertRaises(ConnectionError):
                for _ in range(1000):
                    connection.sock.sendall(bytes(1 << 20))


class Vanishing(TargetTest):
    def test_in_the_middle_of_a_header(self) -> None:
        for size in range(24):
            with self.target.connect() as connection:
                connection.sock.sendall(connection.header(WRITE_V2, self.target.base, 16)[:size])
                if size % 2:
                    sockets.reset(connection.sock)

    def test_in_the_middle_of_a_written_payload(self) -> None:
        for opcode in (WRITE, WRITE_V2):
            for abrupt in (False, True):
                with self.target.connect() as connection:
                    # Away from where assert_serves works: what is still under way is applied later.
                    connection.send(opcode, self.target.base + 10_000, 100_000, bytes(50_000))
                    if abrupt:
                        sockets.reset(connection.sock)

    def test_in_the_middle_of_a_read_payload(self) -> None:
        for opcode in (READ, READ_V2):
            for abrupt in (False, True):
                with self.target.connect() as connection:
                    connection.send(opcode, self.target.base, self.target.length)
                    connection.receive(1000)
                    if abrupt:
                        sockets.reset(connection.sock)

    def test_a_client_that_never_reads_keeps_nobody_else_waiting(self) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(16):
                lazy = stack.enter_context(self.target.connect())
                for _ in range(64):
                    lazy.send(READ_V2, self.target.base, self.target.length)
            self.assert_serves()

    def test_many_idle_connections(self) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(self.target.connect())
            self.assert_serves()


class ClientsOfMemory(MemoryTargetTest, Clients):
    pass


class AddressesOfMemory(MemoryTargetTest, Addresses):
    def refused_ranges(self) -> list[tuple[int, int]]:
        self.assertEqual(len(self.target.descriptor["buffers"]), 2)
        return super().refused_ranges()

    def test_each_buffer_is_served_up_to_its_ends(self) -> None:
        for buffer in self.target.descriptor["buffers"]:
            data = self.data(buffer["length"])
            with self.target.connect(timeout=30.0) as connection:
                connection.write_v2(buffer["addr"], data)
                self.assertEqual(connection.read_v2(buffer["addr"], len(data)), data)


class VanishingFromMemory(MemoryTargetTest, Vanishing):
    pass
