"""mc-bench as these tests run it: all that is assumed of its flags and of its JSON stands here."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peer.initiator import DataConnection, Handshake, open_data
from support import ReadyProcess

OUTER_LIMIT_SECONDS = 120.0  # a run that takes longer hangs
COMMON = ("--metadata_server=P2PHANDSHAKE", "--protocol=tcp", "--json")
ENDED_BADLY = {1, 65, 69, 74, 75, 76}  # exit codes that put the blame on the peer or the road
# Flags of initiators here; any other has mc-bench's own default.
DEFAULTS = {
    "local_server_name": "127.0.0.1",
    "verify": "true",
    "block_size": 4096,
    "batch_size": 16,
    "threads": 1,
    "duration": 1,
    "buffer_size": 1 << 20,
    "tcp_connect_timeout": "60s",  # It covers the answer to the question which version the peer speaks.
}


def program(name: str = "mc-bench") -> str:
    build_dir = Path(os.environ["MC_BUILD_DIR"])
    for candidate in (build_dir / "tools" / name / name, build_dir / "bin" / name):
        if candidate.exists():
            return str(candidate)
    raise FileNotFoundError(f"no {name} in {build_dir}")


def figures(document: Any, member: str) -> Iterator[Any]:
    """Every value that stands under this name, wherever in the document."""
    if isinstance(document, list):
        for entry in document:
            yield from figures(entry, member)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name == member:
                yield value
            yield from figures(value, member)


@dataclass(frozen=True)
class Run:
    """A finished initiator."""

    status: int
    document: Any
    errors: str

    @property
    def requests(self) -> int:
        return sum(figures(self.document, "request_count"))

    @property
    def failed_requests(self) -> int:
        return sum(figures(self.document, "failed_requests"))

    @property
    def verified_blocks(self) -> int:
        return sum(found["blocks_verified"] for found in figures(self.document, "verification") if found)

    @property
    def mismatched_blocks(self) -> int:
        return sum(figures(self.document, "mismatched_blocks"))

    @property
    def acknowledgement(self) -> set[str]:
        """Of "acknowledged", "unacknowledged", "mixed", "not_applicable"."""
        return set(figures(self.document, "acknowledgement"))


def initiate(
    segment: str,
    operation: str,
    environment: dict[str, str] | None = None,
    under_way: Callable[[], object] | None = None,
    **options: object,
) -> Run:
    """Runs an initiator, verified unless told otherwise. `under_way` is called after its first measurement.
    TimeoutExpired: it hangs."""
    flags = [f"--{name}={value}" for name, value in (DEFAULTS | options).items()]
    with subprocess.Popen(
        [program(), "--mode=initiator", *COMMON, f"--segment_id={segment}", f"--operation={operation}", *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    ) as process:
        try:
            seen = ""
            if under_way:
                assert process.stderr is not None
                while "Test completed" not in seen and (line := process.stderr.readline()):
                    seen += line
                under_way()
            output, errors = process.communicate(timeout=OUTER_LIMIT_SECONDS)
        except BaseException:
            process.kill()
            raise
    return Run(process.returncode, json.loads(output) if output else None, seen + errors)


class Target(ReadyProcess):
    """A server of memory, without a metadata server; `base` and `length` are those of its first buffer."""

    def __init__(self, command: list[str]) -> None:
        super().__init__(command)
        self.name: str = self.ready["segment"] if "segment" in self.ready else self.ready["name"]
        self.handshake = Handshake(self.name)
        self.descriptor: dict[str, Any] = self.handshake.descriptor()
        self.base: int = self.descriptor["buffers"][0]["addr"]
        self.length: int = self.descriptor["buffers"][0]["length"]

    def connect(self, timeout: float = 10.0, padding: bytes = bytes(7)) -> DataConnection:
        return open_data(self.name, self.descriptor, timeout, padding)


class BenchTarget(Target):
    """mc-bench --mode=target."""

    def __init__(self, host: str = "127.0.0.1", **options: object) -> None:
        flags = [f"--{name}={value}" for name, value in ({"buffer_size": 1 << 20} | options).items()]
        super().__init__([program(), "--mode=target", *COMMON, f"--local_server_name={host}", *flags])


class MemoryTarget(Target):
    """mc-target with two buffers."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        flags = ["--memory=1MiB,1MiB", "--control-socket=none", f"--local_server_name={host}"]
        super().__init__([program("mc-target"), "serve", *COMMON, *flags])
