"""The program nvme_load, as target and as host, each in a process of its own; and the TCP reference under the same
load."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import Process, Window, server

TOTAL = 1 << 30


@dataclass(frozen=True)
class Load:
    """What hosts ask for; `depth` is that of each connection."""

    operation: str = "read"
    block_size: int = 4 << 10
    depth: int = 32
    digests: bool = False
    connections: int = 1
    namespaces: int = 1

    def flags(self) -> list[str]:
        values = {"operation": self.operation, "block-size": self.block_size, "depth": self.depth}
        values |= {"connections": self.connections, "namespaces": self.namespaces}
        return [f"--{name}={value}" for name, value in values.items()] + [
            f"--{part}-digest" for part in ("header", "data") if self.digests
        ]


@dataclass(frozen=True)
class Run:
    requests_per_s: float
    gb_per_s: float
    target_cpu_us: float
    host_cpu_us: float
    p50_us: float | None = None
    p99_us: float | None = None


class Target:
    """A target of one thread that is running."""

    def __init__(self, program: Path, congestion: str, process: Process, port: int, nqn: str) -> None:
        self.process = process
        self._host = [program, "host", f"--port={port}", f"--nqn={nqn}", f"--congestion={congestion}"]

    def run(self, load: Load, seconds: int) -> Run:
        with Process([*self._host, *load.flags(), f"--seconds={seconds}"]) as host:
            window = Window(self.process, host, seconds)
            figures = host.result(seconds + 60)
        rate = figures["requests_per_s"]
        return Run(
            requests_per_s=rate,
            gb_per_s=figures["gb_per_s"],
            target_cpu_us=window.server / rate * 1e6,
            host_cpu_us=window.client / rate * 1e6,
            p50_us=figures["latency_us"]["p50"],
            p99_us=figures["latency_us"]["p99"],
        )

    @contextlib.contextmanager
    def held(self, load: Load, seconds: float) -> Iterator[None]:
        """Hosts that stay connected, after a load of that many seconds; 0: without one."""
        with server([*self._host, *load.flags(), f"--seconds={seconds}", "--hold"]):
            yield

    def memory(self) -> tuple[int, int]:
        """Bytes: RSS and PSS."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        kib = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
        return kib["Rss:"] << 10, kib["Pss:"] << 10


class Reference:
    """The server of tests/perf/tcp/reference, a thread for each connection: the same bytes in the same number of
    batches, without NVMe."""

    def __init__(self, program: Path, congestion: str, process: Process, port: int, addr: int) -> None:
        self._process = process
        self._client = [program, f"--port={port}", f"--addr={addr}", f"--cc={congestion}"]

    def run(self, load: Load, seconds: int) -> Run:
        flags = {"block": load.block_size, "batch": load.depth, "threads": load.connections, "duration": seconds}
        with Process([*self._client, *(f"--{name}={value}" for name, value in flags.items())]) as client:
            window = Window(self._process, client, seconds)
            figures = client.result(seconds + 60)
        rate = figures["requests_per_s"]
        return Run(rate, figures["throughput_gb_per_s"], window.server / rate * 1e6, window.client / rate * 1e6)


@contextlib.contextmanager
def reference(directory: Path, congestion: str) -> Iterator[Reference]:
    program = directory / "bin/reference"
    with server([program, "--server", f"--cc={congestion}"]) as (process, ready):
        yield Reference(program, congestion, process, ready["port"], ready["addr"])


@contextlib.contextmanager
def target(directory: Path, congestion: str, namespaces: int = 1, total: int = TOTAL) -> Iterator[Target]:
    """Serves `total` bytes of memory, cut into namespaces."""
    program = directory / "bin/nvme_load"
    flags = [f"--namespaces={namespaces}", f"--namespace-size={total // namespaces}", f"--congestion={congestion}"]
    with server([program, "target", "--threads=1", *flags]) as (process, ready):
        yield Target(program, congestion, process, ready["port"], ready["nqn"])
