"""Processes with deadlines, and the base of the test cases."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from peer.initiator import DataConnection, Handshake, open_data

# Of metadata servers that share the CPUs with much else.
os.environ.setdefault("MC_METADATA_TIMEOUT", "60s")
os.environ.setdefault("MC_METADATA_CONNECT_TIMEOUT", "60s")

HERE = Path(__file__).resolve().parent
READY_SECONDS = 60.0  # who takes longer hangs
STOP_SECONDS = 120.0
AT_ONCE = 6

Case = TypeVar("Case")
Outcome = TypeVar("Outcome")


def several_at_once(run: Callable[[Case], Outcome], cases: Sequence[Case]) -> Iterator[tuple[Case, Outcome]]:
    """For cases that spend their time waiting for a limit. What each ended with is looked at in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(cases, pool.map(run, cases))


def sanitized() -> bool:
    """Whether the programs are built with a sanitizer, with which they take more memory."""
    cache = Path(os.environ["MC_BUILD_DIR"]) / "CMakeCache.txt"
    return re.search(r"^MC_SANITIZE:\w+=.", cache.read_text(), re.MULTILINE) is not None


def weigh(command: Sequence[str]) -> tuple[int, str, int]:
    """Runs it; exit status, stderr, and the most memory that it had, in bytes."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return process.returncode, errors, usage.ru_maxrss * 1024


class ReadyProcess:
    """A server that prints one line of JSON when it is ready, and ends on SIGTERM."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=HERE,
            env=os.environ | (environment or {}),
        )
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line())
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> "ReadyProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; returns the exit status and what it still printed on stdout."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, output.decode()

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        deadline = time.monotonic() + READY_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"not ready within {READY_SECONDS:g} s: {self.errors()}")
            if not (byte := os.read(fd, 1)):
                raise RuntimeError(f"ended with status {self.process.wait(STOP_SECONDS)}: {self.errors()}")
            line += byte
        return line

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()


class ScriptedTarget(ReadyProcess):
    """`options` are those of peer.target, with underscores."""

    def __init__(self, profile: str, **options: object) -> None:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        super().__init__([sys.executable, "-m", "peer.target", f"--profile={profile}", *flags])
        self.name: str = self.ready["name"]
        self.base: int = self.ready["buffers"][0]["addr"]
        self.handshake = Handshake(self.name)

    def connect(self, timeout: float = 10.0, padding: bytes = bytes(7)) -> DataConnection:
        return open_data(self.name, {"tcp_data_port": self.ready["data_port"]}, timeout, padding)

    def record(self) -> dict[str, Any]:
        """Stops it; returns what it saw."""
        _, output = self.stop()
        record: dict[str, Any] = json.loads(output)
        return record


class InteropTest(unittest.TestCase):
    maxDiff = None

    def scripted_target(self, profile: str, **options: object) -> ScriptedTarget:
        target = ScriptedTarget(profile, **options)
        self.enterContext(target)
        return target

    def assert_still_open(self, connection: DataConnection) -> None:
        """Nothing came, no close either."""
        connection.sock.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(10.0)

