"""Ten thousand hosts that come to an NVMe/TCP port and get no further."""

import contextlib
import json
import os
import resource
import socket
import struct
import subprocess
import tempfile
import time

import bench
from support import InteropTest, ReadyProcess, sanitized

CONNECTIONS = 10_000
MIB = 1 << 20
# ICReq: type, flags, header length, data offset, length; format 0, and nothing else that is wished for.
GREETING = struct.pack("<BBBBI", 0, 0, 128, 0, 128) + bytes(120)
KINDS = (b"", GREETING[:64], GREETING)
GONE_SECONDS = 120.0  # the target's limit is 10


class FileTarget(ReadyProcess):
    """mc-target with one file."""

    def __init__(self, directory: str) -> None:
        path = os.path.join(directory, "file")
        with open(path, "wb") as file:
            file.truncate(4 * MIB)
        self.control = os.path.join(directory, "control.sock")
        trid = "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0"
        flags = [f"--file={path}", f"--trid={trid}", f"--control-socket={self.control}"]
        super().__init__([bench.program("mc-target"), "serve", "--local_server_name=127.0.0.1", "--json", *flags])
        self.name: str = self.ready["name"]
        self.address = ("127.0.0.1", int(self.ready["trid"]["trsvcid"]))

    def service(self) -> dict[str, int]:
        command = [bench.program("mc-target"), "status", f"--control-socket={self.control}", "--json"]
        status = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60)
        return json.loads(status.stdout)["file_service"]

    def memory(self) -> int:
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def use(target: FileTarget, duration: str, *flags: str) -> list[str]:
    """The command of a host that does what hosts do."""
    return [
        bench.program(),
        f"--segment_id={target.name}",
        "--block_size=4096",
        "--batch_size=16",
        f"--duration={duration}",
        "--json",
        "-q",
        *flags,
    ]


class HalfOpen(InteropTest):
    def setUp(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + 100:
            self.skipTest(f"the limit of {hard} descriptors (ulimit -Hn) is too low")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CONNECTIONS + 100), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.target = self.enterContext(FileTarget(self.enterContext(tempfile.TemporaryDirectory())))

    def test_ten_thousand_take_little_and_keep_nobody_out(self) -> None:
        before = self.target.memory()
        working = self.enterContext(
            subprocess.Popen(use(self.target, "20", "--operation=mixed", "--verify"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        self.addCleanup(working.kill)
        while not self.target.service()["hosts"]:
            self.assertIsNone(working.poll())
            time.sleep(0.05)
        with contextlib.ExitStack() as stack:
            for i in range(CONNECTIONS):
                sock = stack.enter_context(socket.create_connection(self.target.address, 30))
                with contextlib.suppress(ConnectionError):
                    sock.sendall(KINDS[i % len(KINDS)])
            grown = self.target.memory() - before
            self.assertLess(grown, (256 if sanitized() else 64) * MIB)
            late = subprocess.run(use(self.target, "200ms", "--operation=read"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(late.returncode, 0, late.stderr)
            output, errors = working.communicate(timeout=60)
            self.assertEqual(working.returncode, 0, errors)
            self.assertEqual(sum(bench.figures(json.loads(output), "mismatched_blocks")), 0)

            deadline = time.monotonic() + GONE_SECONDS
            while (left := self.target.service()["connections"]) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertEqual(left, 0)
        said = self.target.errors()
        self.assertIn("connections, as many as are allowed", said)
        self.assertIn("connections that no host has made a queue within 10000 ms", said)
        self.assertLess(said.count("\n"), 100, said)
        status, _ = self.target.stop()
        self.assertEqual(status, 0, self.target.errors())
