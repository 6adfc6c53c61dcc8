"""The programs that are compared, started alike: a server process and a client process for each run."""

import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from machine import Failed, Process, Window, server

REGION = 1 << 30
BATCH = 128


@dataclass(frozen=True)
class Case:
    operation: str
    block_size: int
    threads: int

    @property
    def name(self) -> str:
        size = f"{self.block_size >> 20} MiB" if self.block_size >= 1 << 20 else f"{self.block_size >> 10} KiB"
        return f"{self.operation} {size} x{self.threads}"


@dataclass(frozen=True)
class Run:
    """One run of one program; CPU seconds are those of both processes."""

    gb_per_s: float
    requests_per_s: float
    cpu_seconds_per_gb: float
    connections: int

    def document(self) -> dict[str, Any]:
        return asdict(self)


def _measured(server_process: Process, client: Process, duration: int, pick: Any) -> Run:
    window = Window(server_process, client, duration)
    figures = pick(client.result(duration + 60))
    rate = figures["throughput_gb_per_s"]
    return Run(
        gb_per_s=rate,
        requests_per_s=figures["requests_per_s"],
        cpu_seconds_per_gb=(window.server + window.client) / rate,
        connections=window.connections,
    )


@dataclass(frozen=True)
class Ours:
    build: Path
    congestion: str

    def run(self, case: Case, duration: int) -> Run:
        common: list[str | Path] = [
            self.build / "bin/mc-bench",
            "--metadata_server=P2PHANDSHAKE",
            "--local_server_name=127.0.0.1",
            "--protocol=tcp",
            f"--buffer_size={REGION}",
            f"--congestion-control={self.congestion}",
            "--json",
        ]
        with server([*common, "--mode=target"]) as (target, ready):
            command = [
                *common,
                "--mode=initiator",
                f"--segment_id={ready['segment']}",
                f"--operation={case.operation}",
                f"--block_size={case.block_size}",
                f"--batch_size={BATCH}",
                f"--threads={case.threads}",
                f"--duration={duration}",
            ]
            with Process(command) as client:
                return _measured(target, client, duration, lambda document: document["results"][0])


@dataclass(frozen=True)
class Reference:
    """`random`: each request at another place of the server's region, as files are measured; else always the same."""

    build: Path
    congestion: str
    random: bool = False

    def run(self, case: Case, duration: int, connections: int) -> Run:
        """Over as many connections as asked, at least one for each thread."""
        program = self.build / "bin/reference"
        common = [f"--cc={self.congestion}", f"--region={REGION}"]
        with server([program, "--server", *common]) as (process, ready):
            command = [
                program,
                *common,
                f"--port={ready['port']}",
                f"--addr={ready['addr']}",
                f"--block={case.block_size}",
                f"--batch={BATCH}",
                f"--threads={case.threads}",
                f"--lanes={max(1, round(connections / case.threads))}",
                f"--duration={duration}",
                *(["--write"] if case.operation == "write" else []),
                *(["--random"] if self.random else []),
            ]
            with Process(command) as client:
                return _measured(process, client, duration, lambda document: document)


def iperf3(case: Case, duration: int, congestion: str) -> float:
    """GB/s of one stream per thread; it reuses one small buffer and frames nothing."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
    with Process(["iperf3", "--server", "--one-off", "--forceflush", "--bind", "127.0.0.1", "--port", port]) as process:
        assert process.process.stdout is not None
        while b"listening" not in (line := process.process.stdout.readline()):
            if not line:
                raise Failed("iperf3: the server did not start")
        command = ["iperf3", "--client", "127.0.0.1", "--port", port, "--congestion", congestion, "--json"]
        command += ["--length", str(case.block_size), "--parallel", str(case.threads), "--time", str(duration)]
        if case.operation == "read":
            command.append("--reverse")
        with Process([*command]) as client:
            end = client.result(duration + 30)["end"]
    return float(end["sum_received"]["bits_per_second"]) / 8e9


def build(directory: Path, targets: list[str]) -> None:
    """Builds what is to be measured; what the build says is shown only when it fails."""
    if not (directory / "build.ninja").exists():
        raise Failed(f"{directory} is no build: run tools/quickstart or cmake --preset release first")
    result = subprocess.run(
        ["cmake", "--build", directory, "--target", *targets], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if result.returncode != 0:
        raise Failed(result.stdout + result.stderr)
