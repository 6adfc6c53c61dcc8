"""The server of Mooncake's TCP data transport: one thread a connection, requests strictly in order."""

import select
import socket
import threading
import time

from . import sockets
from .data_frames import HEADER, STATUS_OK, STATUS_REJECTED, WRITE, WRITE_V2, Request
from .faults import FAULTS, Case
from .profiles import Profile
from .record import Record
from .region import Region

IDLE_SECONDS = 120.0
LATE_SECONDS = 30.0  # how long a closed connection is watched for requests that a client should not have sent
DRIBBLE_SECONDS = 0.001


class DataServer:
    """`good_requests`: how many are served properly before the profile's fault sets in. `apply_delay`: seconds for
    which the payload of a v1 write lies around before it reaches the memory."""

    def __init__(
        self, profile: Profile, region: Region, record: Record, host: str, good_requests: int, apply_delay: float
    ) -> None:
        self.profile = profile
        self.region = region
        self.record = record
        self.apply_delay = apply_delay
        self._good_requests = good_requests
        self._lock = threading.Lock()
        self._sessions: list[threading.Thread] = []
        self._listener = sockets.listen(host)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self._accept, name="data-accept", daemon=True).start()

    def settle(self, seconds: float) -> None:
        """Lets the sessions whose clients have left write down what they saw."""
        deadline = time.monotonic() + seconds
        with self._lock:
            sessions = self._sessions
        for session in sessions:
            session.join(max(0.0, deadline - time.monotonic()))

    def fault_is_due(self) -> bool:
        with self._lock:
            self._good_requests -= 1
            return bool(self.profile.fault) and self._good_requests < 0

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            sock.settimeout(IDLE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = threading.Thread(target=_Session(self, sock).run, name="data", daemon=True)
            with self._lock:  # A session may be over before the next line: who settles waits for it to be known.
                session.start()
                self._sessions = [running for running in self._sessions if running.is_alive()] + [session]


class _Session:
    def __init__(self, server: DataServer, sock: socket.socket) -> None:
        self._server = server
        self._profile = server.profile
        self._record = server.record
        self._sock = sock
        self._number = server.record.connection()
        self._unconfirmed = 0  # v1 writes since the last answer: the client cannot know whether they were applied

    def run(self) -> None:
        with self._sock:
            try:
                self._serve()
            except (OSError, sockets.Truncated):
                self._record.count("broken_off")
            except Exception as error:
                self._record.violation(f"the scripted data server failed: {error!r}")
            self._record.count("unconfirmed_writes", self._unconfirmed)

    def _serve(self) -> None:
        while (request := self._next_request()) is not None:
            before = self._record.request(self._number, request)
            if not self._handle(request, before):
                return
            if self._profile.closes:
                self._watch_closed()
                return

    def _next_request(self) -> Request | None:
        try:
            return Request.decode(sockets.receive_exactly(self._sock, HEADER.size))
        except sockets.Truncated as error:
            if error.got:
                self._record.count("truncated_headers")
            return None

    def _handle(self, request: Request, before: int) -> bool:
        """Serves one request; False ends the connection at once."""
        with_status = request.wants_status and self._profile.speaks_v2
        view = self._server.region.find(request.addr, request.size)
        if view is None:
            return self._refuse(request, with_status)
        if self._server.fault_is_due():
            return FAULTS[self._profile.fault](Case(self._sock, request, view))
        if request.opcode == WRITE or (request.opcode == WRITE_V2 and with_status):
            return self._write(view, before, with_status)
        return self._read(view, before, with_status)

    def _refuse(self, request: Request, with_status: bool) -> bool:
        """Says so if asked to, and closes without draining a payload."""
        self._record.count("rejected")
        if not self._profile.validates:
            self._record.violation("address outside every buffer to a peer that does not check it")
        if with_status:
            self._sock.sendall(STATUS_REJECTED)
        return False

    def _read(self, view: memoryview, before: int, with_status: bool) -> bool:
        self._prepare_answer(before, with_status)
        if with_status:
            self._send(memoryview(STATUS_OK))
        self._send(view)
        self._record.count("bytes_read", len(view))
        return True

    def _write(self, view: memoryview, before: int, with_status: bool) -> bool:
        delay = 0.0 if with_status else self._server.apply_delay
        target = memoryview(bytearray(len(view))) if delay else view
        if self._receive_into(target) < len(view):
            self._record.count("truncated_payloads")
            return False
        if delay:
            time.sleep(delay)
            view[:] = target
        self._record.count("bytes_written", len(view))
        if with_status:
            self._prepare_answer(before, with_status)
            self._send(memoryview(STATUS_OK))
        else:
            self._unconfirmed += 1
        return True

    def _prepare_answer(self, before: int, with_status: bool) -> None:
        """An answer tells that all before it was applied. A next request that is here already was pipelined."""
        if select.select([self._sock], [], [], 0)[0] and self._sock.recv(1, socket.MSG_PEEK):
            self._record.pipelined()
        self._unconfirmed = 0
        self._record.answering(before, with_status)

    def _watch_closed(self) -> None:
        """Closes towards the client, and writes down what it still sends."""
        self._unconfirmed = 0  # the close comes after the payload was stored
        self._sock.shutdown(socket.SHUT_WR)
        self._sock.settimeout(LATE_SECONDS)
        while (request := self._next_request()) is not None:
            self._record.late(request)
            if request.opcode in (WRITE, WRITE_V2):
                self._discard(request.size)

    def _send(self, view: memoryview) -> None:
        while self._profile.dribbles and view:
            piece = 1 if len(view) <= len(STATUS_OK) else 512
            self._sock.sendall(view[:piece])
            view = view[piece:]
            time.sleep(DRIBBLE_SECONDS)
        self._sock.sendall(view)

    def _discard(self, size: int) -> None:
        while size > 0 and (chunk := self._sock.recv(min(size, 65536))):
            size -= len(chunk)

    def _receive_into(self, view: memoryview) -> int:
        if not self._profile.dribbles:
            return sockets.receive_into(self._sock, view)
        done = 0
        while done < len(view):
            count = sockets.receive_into(self._sock, view[done : done + 512])
            if count == 0:
                break
            done += count
            time.sleep(DRIBBLE_SECONDS)
        return done
