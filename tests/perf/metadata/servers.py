"""The servers that are compared, each fresh, on a free port of loopback."""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from machine import READY_SECONDS, Failed, Process, server


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait_until_open(process: Process, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.running():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise Failed(f"port {port} is not open: {process.result(10) if not process.running() else 'too slow'}")


@contextlib.contextmanager
def ours(build: Path, durable: bool) -> Iterator[tuple[Process, int]]:
    with tempfile.TemporaryDirectory(dir=build) as directory:
        command: list[str | Path] = [build / "bin/mc-meta", "serve", "--json", "--listen=127.0.0.1:0"]
        if durable:
            command.append(f"--data={directory}/metadata.db")
        with server(command) as (process, ready):
            yield process, ready["listen"][0]["port"]


@contextlib.contextmanager
def redis(build: Path, durable: bool) -> Iterator[tuple[Process, int]]:
    """In memory: nothing is written to disk."""
    port = _free_port()
    command: list[str | Path] = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--logfile", "/dev/null"]
    command += ["--save", "", "--appendonly", "yes" if durable else "no", "--appendfsync", "always"]
    with tempfile.TemporaryDirectory(dir=build) as directory:
        with Process([*command, "--dir", directory]) as process:
            _wait_until_open(process, port)
            yield process, port


@contextlib.contextmanager
def etcd(build: Path, durable: bool) -> Iterator[tuple[Process, int]]:
    """One member; always durable."""
    port, peer = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(dir=build) as directory:
        command: list[str | Path] = ["etcd", f"--data-dir={directory}/etcd", "--log-level=error", "--logger=zap"]
        command += [f"--listen-client-urls=http://127.0.0.1:{port}", f"--advertise-client-urls=http://127.0.0.1:{port}"]
        command += [f"--listen-peer-urls=http://127.0.0.1:{peer}"]
        command += [f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}"]
        command += [f"--initial-cluster=default=http://127.0.0.1:{peer}"]
        with Process(command) as process:
            _wait_until_open(process, port)
            yield process, port


Start = Callable[[Path, bool], contextlib.AbstractContextManager[tuple[Process, int]]]
PEERS: dict[str, Start] = {"redis": redis, "etcd": etcd}
