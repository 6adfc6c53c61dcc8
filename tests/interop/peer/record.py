"""What a scripted target saw, and what it must not have seen."""

import threading
from collections import Counter
from typing import Any

from .data_frames import WRITE, WRITE_V2, ZERO_PADDING, Request
from .profiles import Profile

MAX_LISTED = 20  # of violations and notifications, the rest is only counted


class Record:
    """Shared by the threads of all connections.

    A client may ask for what can be lost unnoticed only after the target has shown that it is safe: a v2 write after a
    status frame, a v1 write on a used connection after a second answer on one connection.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lock = threading.Lock()
        self._status_shown = False
        self._keeps_shown = False
        self._requests: list[int] = []
        self._counts: Counter[str] = Counter()
        self._opcodes: Counter[str] = Counter()
        self._late: Counter[str] = Counter()
        self._handshakes: Counter[str] = Counter()
        self._violations: Counter[str] = Counter()
        self._notifications: list[dict[str, Any]] = []
        self._last_caller: Any = None

    def count(self, what: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[what] += amount

    def violation(self, text: str) -> None:
        with self._lock:
            self._violations[text] += 1

    def connection(self) -> int:
        """A connection was accepted; returns its number."""
        with self._lock:
            self._requests.append(0)
            return len(self._requests) - 1

    def request(self, connection: int, request: Request) -> int:
        """A header arrived. Returns how many came before it on its connection."""
        with self._lock:
            before = self._requests[connection]
            self._requests[connection] += 1
            self._opcodes[f"0x{request.opcode:02x}"] += 1
            if request.padding != ZERO_PADDING:
                self._counts["nonzero_padding"] += 1
            if request.size == 0:
                self._violations["request of size 0"] += 1
            if request.wants_status and not self._profile.publishes_v2:
                self._violations["v2 request to a peer that does not publish version 2"] += 1
            if request.opcode == WRITE_V2 and not self._status_shown:
                self._violations["v2 write before a status frame was seen"] += 1
            if request.opcode == WRITE and before > 0 and not self._keeps_shown:
                self._violations["v1 write on a used connection before a second answer was seen on one"] += 1
            return before

    def answering(self, before: int, with_status: bool) -> None:
        """To be called before the answer's first byte leaves: the client may act on it at once."""
        with self._lock:
            self._status_shown |= with_status
            self._keeps_shown |= before > 0

    def pipelined(self) -> None:
        with self._lock:
            self._counts["pipelined"] += 1
            if self._profile.closes and not self._profile.speaks_v2:
                self._violations["pipelined to a peer that closes after each request"] += 1

    def late(self, request: Request) -> None:
        """A request came on a connection that the target had closed. Lost reads and v2 writes are noticed."""
        with self._lock:
            self._late[f"0x{request.opcode:02x}"] += 1
            if request.opcode == WRITE:
                self._violations["v1 write on a connection that the peer had closed"] += 1

    def handshake(self, kind: str) -> None:
        with self._lock:
            self._handshakes[kind] += 1

    def notification(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._notifications = [*self._notifications, message][:MAX_LISTED]

    def caller(self, descriptor: Any) -> None:
        """The descriptor that the last asker for ours sent along."""
        with self._lock:
            self._last_caller = descriptor

    def summary(self) -> dict[str, Any]:
        with self._lock:
            requests = self._requests
            return {
                "connections": len(requests),
                "requests": sum(requests),
                "requests_per_connection": {str(count): times for count, times in sorted(Counter(requests).items())},
                "opcodes": dict(self._opcodes),
                "late": dict(self._late),
                "handshakes": dict(self._handshakes),
                "notifications": self._notifications,
                "last_caller": self._last_caller,
                "violations": dict(self._violations.most_common(MAX_LISTED)),
                **{key: self._counts[key] for key in COUNTS},
            }


COUNTS = (
    "bytes_read",
    "bytes_written",
    "rejected",
    "pipelined",
    "nonzero_padding",
    "truncated_headers",
    "truncated_payloads",
    "unconfirmed_writes",
    "broken_off",
)
