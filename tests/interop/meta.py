"""mc-meta as these tests run it, and the scripted metadata servers."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ReadyProcess

OUTER_LIMIT_SECONDS = 60.0  # a command that takes longer hangs


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


def call(url: str, *arguments: str, value: bytes | None = None, environment: dict[str, str] | None = None) -> Run:
    """TimeoutExpired: it hangs."""
    command = [str(Path(os.environ["MC_BUILD_DIR"]) / "bin" / "mc-meta"), *arguments, f"--metadata_server={url}"]
    done = subprocess.run(
        command,
        input=value or b"",
        capture_output=True,
        timeout=OUTER_LIMIT_SECONDS,
        env=os.environ | (environment or {}),
    )
    return Run(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
