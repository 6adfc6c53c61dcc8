"""mc-meta as these tests run it, and the scripted metadata servers."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ReadyProcess

OUTER_LIMIT_SECONDS = 120.0  # a command that takes longer hangs
# How long a server that hangs is waited for. What it answers before has to come in this time, too, on a machine that is
# busy with other tests of programs with a sanitizer. Less than the 5 s in which all keys are withdrawn.
PATIENCE = "4s"
# What is to be told of a fault of the server: the exit code, and words of the message.
TOLD = {
    "garbage": (76, "not HTTP"),
    "other-protocol": (76, "not HTTP"),
    "never-answers": (75, "no answer within "),
    "closes": (69, "it closed the connection without a reply"),
    "dies": (69, "metadata server http://"),  # whether it is gone or going: a matter of chance
    "closes-in-the-middle": (69, "it closed the connection in the middle of its reply"),
    "drips": (75, "no answer within "),
    "drips-head": (75, "no answer within "),
    "huge": (65, "the reply is longer than"),
    "huge-unannounced": (65, "the reply is longer than"),
    "redirects": (69, "it answers 302"),
    "refuses": (74, "it answers 500"),
}


def limits(fault: str) -> dict[str, str]:
    """Environment with which a fault is waited out; of any other, a slow machine may take its time."""
    return {"MC_METADATA_TIMEOUT": PATIENCE if TOLD.get(fault, (0, ""))[0] == 75 else "30s"}


class ScriptedMetadataServer(ReadyProcess):
    """`options` are those of peer.metadata_server, with underscores."""

    def __init__(self, profile: str = "go", **options: object) -> None:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        super().__init__([sys.executable, "-m", "peer.metadata_server", f"--profile={profile}", *flags])
        self.url: str = self.ready["url"]

    def record(self) -> dict[str, Any]:
        """Stops it; returns what it saw."""
        _, output = self.stop()
        record: dict[str, Any] = json.loads(output)
        return record


@dataclass(frozen=True)
class Run:
    status: int
    output: bytes
    errors: str


def command(url: str, *arguments: str) -> list[str]:
    return [str(Path(os.environ["MC_BUILD_DIR"]) / "bin" / "mc-meta"), *arguments, f"--metadata_server={url}"]


def call(url: str, *arguments: str, value: bytes | None = None, environment: dict[str, str] | None = None) -> Run:
    """TimeoutExpired: it hangs."""
    done = subprocess.run(
        command(url, *arguments),
        input=value or b"",
        capture_output=True,
        timeout=OUTER_LIMIT_SECONDS,
        env=os.environ | (environment or {}),
    )
    return Run(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
