"""What a hostile or broken target does with a request whose address is good."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import sockets
from .data_frames import STATUS_OK, STATUS_REJECTED, WRITE, WRITE_V2, Request

SILENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Case:
    sock: socket.socket
    request: Request
    view: memoryview  # the memory that the request addresses

    @property
    def writes(self) -> bool:
        return self.request.opcode in (WRITE, WRITE_V2)

    def send_status(self, status: bytes) -> None:
        if self.request.wants_status:
            self.sock.sendall(status)

    def half_a_payload(self) -> None:
        """Moves the first half of the payload, in whichever direction it goes."""
        half = self.view[: len(self.view) // 2]
        if self.writes:
            sockets.receive_into(self.sock, half)
        else:
            self.send_status(STATUS_OK)
            self.sock.sendall(half)

    def silence(self) -> None:
        """Neither reads nor writes until the client has given up."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        poll.poll(SILENCE_SECONDS * 1000)


def _rejecting(case: Case) -> bool:
    case.send_status(STATUS_REJECTED)
    return False


def _stalls_header(case: Case) -> bool:
    case.silence()
    return False


def _stalls_payload(case: Case) -> bool:
    case.half_a_payload()
    case.silence()
    return False


def _resets(case: Case) -> bool:
    case.half_a_payload()
    time.sleep(0.01)  # an RST discards what has not left yet
    sockets.reset(case.sock)
    return False


def _truncates(case: Case) -> bool:
    case.half_a_payload()
    return False


def _garbage_status(case: Case) -> bool:
    case.send_status(b"\xa5" * len(STATUS_OK))
    return False


def _unknown_status(case: Case) -> bool:
    case.send_status(b"\x07" + STATUS_OK[1:])
    return False


def _forgets_writes(case: Case) -> bool:
    """Acknowledges what it throws away."""
    if case.writes:
        sockets.receive_exactly(case.sock, len(case.view))
        case.send_status(STATUS_OK)
    else:
        case.send_status(STATUS_OK)
        case.sock.sendall(case.view)
    return True


def _corrupts_reads(case: Case) -> bool:
    """Flips one bit in the middle of what is read; writes are applied."""
    if case.writes:
        sockets.receive_into(case.sock, case.view)
        case.send_status(STATUS_OK)
    else:
        data = bytearray(case.view)
        data[len(data) // 2] ^= 0x10
        case.send_status(STATUS_OK)
        case.sock.sendall(data)
    return True


# Each returns whether the connection goes on.
FAULTS: dict[str, Callable[[Case], bool]] = {
    "rejecting": _rejecting,
    "stalls-header": _stalls_header,
    "stalls-payload": _stalls_payload,
    "resets": _resets,
    "truncates": _truncates,
    "garbage-status": _garbage_status,
    "unknown-status": _unknown_status,
    "forgets-writes": _forgets_writes,
    "corrupts-reads": _corrupts_reads,
}
