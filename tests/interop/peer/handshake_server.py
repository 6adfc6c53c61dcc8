"""The handshake daemon of a target in P2PHANDSHAKE mode: one thread, one connection at a time, one request each."""

import json
import socket
import threading
from typing import Any

from . import frames, sockets
from .frames import Message, MessageType
from .profiles import Profile
from .record import Record
from .replies import REPLY_FAULTS

CRASHES_MAIN = {"payload": {}}  # an object where a string belongs ends a stock process


class HandshakeServer:
    """`fault`: a name of replies.REPLY_FAULTS, done to every answer to a question for the descriptor. `patience`: how many
    seconds a client may be silent."""

    def __init__(self, profile: Profile, record: Record, host: str, fault: str, patience: float) -> None:
        self._profile = profile
        self._record = record
        self._fault = fault
        self._patience = patience
        self._descriptor: dict[str, Any] = {}
        self._listener = sockets.listen(host)
        self.port: int = self._listener.getsockname()[1]

    def start(self, descriptor: dict[str, Any]) -> None:
        self._descriptor = descriptor
        threading.Thread(target=self._serve, name="handshake", daemon=True).start()

    def _serve(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            sock.settimeout(self._patience)
            with sock:
                try:
                    self._serve_one(sock)
                except (OSError, sockets.Truncated, frames.FrameError):
                    self._record.handshake("broken off")
                except Exception as error:
                    self._record.violation(f"the scripted handshake failed: {error!r}")

    def _serve_one(self, sock: socket.socket) -> None:
        try:
            request = frames.receive(sock, self._profile.highest_type)
            body = request.json()
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            self._record.handshake("malformed")
            return
        answer = frames.encode(Message(request.type, frames.json_text(self._answer(request, body))))
        if self._fault and request.type == MessageType.METADATA:
            answer = REPLY_FAULTS[self._fault](self._descriptor)
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        self._wait_for_close(sock)

    def _answer(self, request: Message, body: Any) -> Any:
        kind = MessageType.CONNECTION if request.type is None else request.type
        self._record.handshake("old" if request.type is None else str(kind))
        if kind == MessageType.CONNECTION:
            if body == CRASHES_MAIN:
                self._record.violation("a message that ends a stock process")
            return self._profile.connection_reply
        if kind == MessageType.METADATA:
            self._record.caller(body)
            return self._descriptor
        if kind == MessageType.NOTIFY:
            self._record.notification(body)
            return self._profile.notify_reply
        return {"status": "success"} if kind == MessageType.PROBE else None

    def _wait_for_close(self, sock: socket.socket) -> None:
        """A client that stays keeps a stock daemon from everyone else."""
        try:
            if sock.recv(1):
                self._record.violation("bytes behind a handshake message")
        except TimeoutError:
            self._record.violation("handshake connection kept after the reply")
