"""Processes under measurement, seen from outside: the same way for every program."""

import contextlib
import json
import os
import platform
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY_SECONDS = 60.0


class Failed(Exception):
    """A program under measurement did not do its part."""


class Process:
    def __init__(self, command: list[str | Path]) -> None:
        self._errors = tempfile.TemporaryFile()
        self._command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self.pid = self.process.pid

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
        self._errors.close()

    def ready_line(self) -> dict[str, Any]:
        """The line of JSON that a server prints when it is ready."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], READY_SECONDS)[0]:
            raise Failed(f"{self._words()}: not ready after {READY_SECONDS:g} s")
        line = self.process.stdout.readline()
        if not line:
            raise self._failure()
        document: dict[str, Any] = json.loads(line)
        return document

    def result(self, timeout: float) -> dict[str, Any]:
        """The document that a client prints before it ends."""
        try:
            output, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self._words()}: still running after {timeout:g} s") from None
        if self.process.returncode != 0:
            raise self._failure()
        document: dict[str, Any] = json.loads(output)
        return document

    def running(self) -> bool:
        return self.process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of all threads, ended ones included, to the nanosecond: its process clock, by the
        number that clock_getcpuclockid(3) gives."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def connections(self) -> int:
        """How many of its TCP connections are established."""
        inodes = set()
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(entry))
        lines = [line for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        fields = [line.split() for line in lines]
        return sum(row[3] == "01" and f"socket:[{row[9]}]" in inodes for row in fields)

    def _words(self) -> str:
        return " ".join(map(str, self._command))

    def _failure(self) -> Failed:
        self.process.wait(10)
        self._errors.seek(0)
        errors = self._errors.read().decode(errors="replace")
        return Failed(f"{self._words()}: ended with status {self.process.returncode}\n{errors}")


class Window:
    """CPU seconds per second of a server and its client while bytes move: setting up and ending are left out."""

    def __init__(self, server: Process, client: Process, duration: float) -> None:
        idle = server.cpu_seconds()
        while client.running() and server.cpu_seconds() - idle < 0.01:
            time.sleep(0.01)
        self._ends = time.monotonic() + duration - 0.3
        time.sleep(0.2)
        before, start = self._sample(server, client), time.monotonic()
        self.connections = client.connections() if client.running() else 0
        time.sleep(max(0.0, self._ends - time.monotonic()))
        after, seconds = self._sample(server, client), time.monotonic() - start
        if not client.running():
            raise Failed(f"the client ended early:\n{client.result(1)}")
        self.server, self.client = ((b - a) / seconds for a, b in zip(before, after, strict=True))

    @staticmethod
    def _sample(server: Process, client: Process) -> tuple[float, float]:
        return server.cpu_seconds(), client.cpu_seconds()


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def environment() -> dict[str, Any]:
    """What has to be known about a machine to compare figures with those of another."""
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "kernel": platform.release(),
        "cpu_model": cpu_model(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "system_congestion_control": Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
    }


def default_congestion() -> str:
    """What both ends of both programs are set to: cubic where it is allowed, else reno, which always is."""
    allowed = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control").read_text().split()
    available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    may_all = os.geteuid() == 0
    return "cubic" if "cubic" in (available if may_all else allowed) else "reno"


def progress(text: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def server(command: list[str | Path]) -> Iterator[tuple[Process, dict[str, Any]]]:
    with Process(command) as process:
        yield process, process.ready_line()
