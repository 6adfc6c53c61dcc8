"""The memory that a scripted target serves, under addresses of its choice."""

import mmap
from dataclasses import dataclass

PATTERN_PERIOD = 251


def pattern(offset: int, size: int) -> bytes:
    """What a fresh buffer holds at `offset`: the position modulo a prime, so that no shift goes unnoticed."""
    cycle = bytes(range(PATTERN_PERIOD))
    start = offset % PATTERN_PERIOD
    return (cycle * (size // PATTERN_PERIOD + 2))[start : start + size]


@dataclass(frozen=True)
class Buffer:
    addr: int
    view: memoryview

    @property
    def length(self) -> int:
        return len(self.view)


class Region:
    """Buffers one behind the other, without gaps: a request across two of them is still outside."""

    def __init__(self, base: int, buffer_size: int, count: int, fill: bytes | None = None) -> None:
        self.buffers: list[Buffer] = []
        for index in range(count):
            view = memoryview(mmap.mmap(-1, buffer_size))
            view[:] = pattern(0, buffer_size) if fill is None else (fill * (buffer_size // len(fill) + 1))[:buffer_size]
            self.buffers.append(Buffer(base + index * buffer_size, view))

    def find(self, addr: int, size: int) -> memoryview | None:
        """The bytes of [addr, addr+size) if they lie in one buffer."""
        for buffer in self.buffers:
            offset = addr - buffer.addr
            if size > 0 and offset >= 0 and offset + size <= buffer.length:
                return buffer.view[offset : offset + size]
        return None
