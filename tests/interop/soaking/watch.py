"""Memory, descriptors and threads of processes that live long."""

import os
import statistics
from dataclasses import dataclass, field

# Allocators keep what they once had, and a sample may fall into a busy moment.
MEMORY_KIB = 8 << 10
DESCRIPTORS = 4


@dataclass(frozen=True)
class Sample:
    memory_kib: int
    descriptors: int
    threads: int


def sample(pid: int) -> Sample:
    with open(f"/proc/{pid}/status") as status:
        lines = dict(line.split(":", 1) for line in status if ":" in line)
    return Sample(int(lines["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(lines["Threads"]))


@dataclass
class Watched:
    """One process. What it holds at rest shows in the smallest samples, what leaks raises them."""

    name: str
    pid: int
    samples: list[Sample] = field(default_factory=list)

    def look(self) -> None:
        self.samples.append(sample(self.pid))

    def summary(self) -> str:
        early, late = self._parts()
        parts = []
        for what in ("memory_kib", "descriptors", "threads"):
            parts.append(f"{what} {_typical(early, what)} -> {_typical(late, what)}")
        return f"{self.name}: {', '.join(parts)} ({len(self.samples)} samples)"

    def growth(self) -> list[str]:
        """What grew between the second fifth of the time and the last."""
        if len(self.samples) < 10:
            return [f"{self.name}: only {len(self.samples)} samples"]
        early, late = self._parts()
        found = []
        for what, slack in (("memory_kib", MEMORY_KIB), ("descriptors", DESCRIPTORS), ("threads", 0)):
            before, after = _typical(early, what), _typical(late, what)
            if after > before + slack:
                found.append(f"{self.name}: {what} grew from {before} to {after}")
        return found

    def _parts(self) -> tuple[list[Sample], list[Sample]]:
        fifth = max(1, len(self.samples) // 5)
        return self.samples[fifth : 2 * fifth] or self.samples, self.samples[-fifth:]


def _typical(samples: list[Sample], what: str) -> int:
    values = [getattr(one, what) for one in samples]
    return int(statistics.median(values)) if what == "memory_kib" else min(values)
