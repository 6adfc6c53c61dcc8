"""mc-bench as the soak runs it: targets that are ready, initiators that are judged."""

import json
import os
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import ENDED_BADLY, figures
from support import ReadyProcess

# An initiator whose target is gone has given up after that, and a stopped process has ended.
LIMIT_SECONDS = 90.0
IMPATIENT = {"MC_TCP_STATUS_TIMEOUT_SEC": "2", "MC_RETRY_CNT": "3", "MC_SLICE_TIMEOUT": "8"}


@dataclass
class Setting:
    programs: Path
    metadata: str

    def command(self, *flags: str) -> list[str]:
        bench = str(self.programs / "mc-bench")
        return [bench, f"--metadata_server={self.metadata}", "--protocol=tcp", "--json", *flags]

    def initiator_name(self, random: Any) -> str:
        """Without a store many may have one name; in a store it is nobody else's, and all of 127/8 is this machine."""
        if self.metadata == "P2PHANDSHAKE":
            return "127.0.0.1"
        return f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"


class MetadataServer(ReadyProcess):
    def __init__(self, setting: Setting) -> None:
        super().__init__([str(setting.programs / "mc-meta"), "serve", "--json", "--listen=127.0.0.1:0"])
        self.uri: str = self.ready["urls"][0]


class Target(ReadyProcess):
    """Its segment is `self.name`."""

    def __init__(self, setting: Setting, port: int) -> None:
        super().__init__(
            setting.command("--mode=target", f"--local_server_name=127.0.0.1:{port}", "--buffer_size=4MiB", "--quiet")
        )
        self.name: str = self.ready["segment"]


def free_port(random: Any) -> int:
    """Below the range that the kernel draws from, so that nobody takes it while its owner is away."""
    while True:
        port: int = random.randrange(20000, 30000)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class Outcome:
    status: int
    errors: str
    documents: list[Any] = field(default_factory=list)

    @property
    def verified(self) -> int:
        return sum(found["blocks_verified"] for found in figures(self.documents, "verification") if found)

    @property
    def mismatched(self) -> int:
        return sum(figures(self.documents, "mismatched_blocks"))


class Initiator:
    """A verified load on a segment for `seconds`, of a kind that `random` draws."""

    def __init__(
        self, setting: Setting, segment: str, seconds: float, random: Any, environment: dict[str, str] | None = None
    ) -> None:
        block = random.choice([1, 511, 4096, 4096, 65536, 65536, 100_000])
        batch = random.choice([1, 4, 16])
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            setting.command(
                f"--segment_id={segment}",
                f"--local_server_name={setting.initiator_name(random)}",
                f"--operation={random.choice(['read', 'write', 'mixed', 'mixed'])}",
                f"--block_size={block}",
                f"--batch_size={batch}",
                f"--threads={random.choice([1, 2])}",
                f"--duration={seconds:.2f}s",
                "--warmup=0",
                "--verify",
                "--quiet",
            ),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            env=os.environ | (environment or {}),
        )

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def outcome(self, limit: float = LIMIT_SECONDS) -> Outcome:
        """Waits for it. TimeoutExpired: it hangs (and is killed)."""
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._output.seek(0)
        self._errors.seek(0)
        text, errors = self._output.read().decode(), self._errors.read().decode(errors="replace")
        self._output.close()
        self._errors.close()
        return Outcome(status, errors, [json.loads(text)] if text and status >= 0 else [])


def complaint(outcome: Outcome, allowed: set[int]) -> str | None:
    """What is wrong with it, if anything."""
    if outcome.mismatched:
        return f"{outcome.mismatched} mismatched blocks\n{outcome.errors}"
    if outcome.status not in allowed:
        return f"ended with status {outcome.status}\n{outcome.errors}"
    if outcome.status >= 0 and not outcome.documents:
        return f"status {outcome.status} and no document\n{outcome.errors}"
    return None


LOST_TARGET = {0} | ENDED_BADLY
FINISHED = {0}
STOPPED = {0, 143, -signal.SIGTERM}  # The last before it listens to signals.
KILLED = {0, -signal.SIGKILL}
