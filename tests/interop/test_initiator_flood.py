"""Descriptors of 200 MiB: refused by their length, without memory for them."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import bench
from peer import frames, sockets
from support import InteropTest, sanitized, weigh

MIB = 1 << 20
PIECE = b" " * MIB


@contextlib.contextmanager
def flooding_owner(length: int) -> Iterator[tuple[str, list[int]]]:
    """Answers whoever comes with a descriptor of `length` bytes; yields its name and how much of it was taken."""
    sent: list[int] = []
    with sockets.listen("127.0.0.1") as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    taken = 0
                    with sock, contextlib.suppress(OSError):
                        sock.settimeout(30)
                        frames.receive(sock, 3)
                        sock.sendall(frames.LENGTH.pack(length + 1) + b"\x01{")
                        while taken < length:
                            sock.sendall(PIECE)
                            taken += MIB
                    sent.append(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sockets.join_name(*listener.getsockname()), sent
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)


def run_and_weigh(name: str, *flags: str) -> tuple[int, str, int]:
    return weigh([bench.program(), *bench.COMMON, f"--segment_id={name}", "--block_size=4096", "--batch_size=1", *flags])


class Flood(InteropTest):
    def test_a_descriptor_of_200_mib_is_refused_by_its_length(self) -> None:
        for flags in ((), ("--handshake-max-length=128MiB",)):
            with self.subTest(flags=flags), flooding_owner(200 * MIB) as (name, sent):
                status, errors, memory = run_and_weigh(name, *flags)
                self.assertEqual(status, 76, errors)
                self.assertIn("above the limit", errors)
                self.assertLess(memory, 100 * MIB)
            self.assertLess(max(sent), 100 * MIB)

    def test_one_within_a_raised_limit_takes_memory_in_proportion(self) -> None:
        with flooding_owner(100 * MIB) as (name, _):
            flags = ("--handshake-max-length=128MiB", "--handshake-reply-timeout=10m")
            status, errors, memory = run_and_weigh(name, *flags)
        self.assertIn(status, (65, 76), errors)
        self.assertLess(memory, (800 if sanitized() else 400) * MIB)

    def test_requests_of_200_mib_take_no_memory_of_a_target(self) -> None:
        target = self.enterContext(bench.BenchTarget())
        before = memory_of(target.process.pid)
        for _ in range(20):
            with sockets.connect(*sockets.split_name(target.name), 30.0) as sock, contextlib.suppress(OSError):
                sock.sendall(frames.LENGTH.pack(200 * MIB) + b"\x01")
                for _ in range(200):
                    sock.sendall(PIECE)
        self.assertLess(memory_of(target.process.pid), before + 16 * MIB)
        self.assertEqual(target.handshake.descriptor()["name"], target.name)


def memory_of(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
