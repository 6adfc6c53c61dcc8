"""A scripted initiator: the client sides of the handshake and of the TCP data transport.

From a shell: python3 -m peer.initiator NAME descriptor|probe|notify TEXT|read ADDR SIZE|write ADDR HEX
"""

import argparse
import contextlib
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import frames, sockets
from .data_frames import (
    READ,
    READ_V2,
    STATUS_OK,
    STATUS_SIZE,
    WRITE,
    WRITE_V2,
    ZERO_PADDING,
    Request,
)
from .frames import Message, MessageType

TIMEOUT = 60.0


class Refused(Exception):
    """The status frame said something else than OK."""


@dataclass(frozen=True)
class Handshake:
    """Asks one daemon; every question is a connection of its own."""

    name: str
    timeout: float = TIMEOUT

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        host, port = sockets.split_name(self.name)
        with sockets.connect(host, port, self.timeout) as sock:
            yield sock

    def raw(self, request: bytes) -> bytes:
        """Sends bytes as they are; returns all that comes back until the daemon closes."""
        with self.connection() as sock:
            with contextlib.suppress(ConnectionError):  # closed before all was sent
                sock.sendall(request)
            return sockets.receive_until_closed(sock)

    def ask(self, kind: MessageType, body: Any) -> Any:
        with self.connection() as sock:
            sock.sendall(frames.encode(Message(kind, frames.json_text(body))))
            reply = frames.receive(sock)
        if reply.type != kind:
            raise frames.FrameError(f"reply of type {reply.type} to a request of type {kind}")
        return reply.json()

    def descriptor(self, own: Any = None) -> Any:
        return self.ask(MessageType.METADATA, {} if own is None else own)

    def notify(self, sender: str, text: str) -> Any:
        return self.ask(MessageType.NOTIFY, {"name": sender, "notify_msg": text})

    def probe(self) -> Any:
        return self.ask(MessageType.PROBE, {})


class DataConnection:
    """One connection to a target's data port. `padding` goes into every header."""

    def __init__(self, host: str, port: int, timeout: float = TIMEOUT, padding: bytes = ZERO_PADDING) -> None:
        self.sock = sockets.connect(host, port, timeout)
        self._padding = padding

    def __enter__(self) -> "DataConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def header(self, opcode: int, addr: int, size: int) -> bytes:
        return Request(size, addr, opcode, self._padding).encode()

    def send(self, opcode: int, addr: int, size: int, payload: bytes = b"") -> None:
        self.sock.sendall(self.header(opcode, addr, size) + payload)

    def receive(self, size: int) -> bytes:
        return sockets.receive_exactly(self.sock, size)

    def rest(self) -> bytes:
        """What comes until the target closes."""
        return sockets.receive_until_closed(self.sock)

    def read(self, addr: int, size: int, opcode: int = READ) -> bytes:
        self.send(opcode, addr, size)
        return self.receive(size)

    def write(self, addr: int, data: bytes) -> None:
        """v1: nothing tells when, or whether, it has been applied."""
        self.send(WRITE, addr, len(data), data)

    def read_v2(self, addr: int, size: int) -> bytes:
        self.send(READ_V2, addr, size)
        self._check_status()
        return self.receive(size)

    def write_v2(self, addr: int, data: bytes) -> None:
        self.send(WRITE_V2, addr, len(data), data)
        self._check_status()

    def _check_status(self) -> None:
        status = self.receive(STATUS_SIZE)
        if status != STATUS_OK:
            raise Refused(status.hex())


def open_data(name: str, descriptor: Any, timeout: float = TIMEOUT, padding: bytes = ZERO_PADDING) -> DataConnection:
    """Connects as peers in P2PHANDSHAKE mode do: to the host of the segment's name."""
    return DataConnection(sockets.split_name(name)[0], descriptor["tcp_data_port"], timeout, padding)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="peer.initiator", description=__doc__)
    parser.add_argument("name", help="the target's host:port")
    parser.add_argument("command", choices=["descriptor", "probe", "notify", "read", "write"])
    parser.add_argument("operands", nargs="*")
    options = parser.parse_args(arguments)
    handshake = Handshake(options.name)
    if options.command in ("descriptor", "probe"):
        print(json.dumps(getattr(handshake, options.command)(), indent=2))
        return 0
    if options.command == "notify":
        print(json.dumps(handshake.notify("scripted", options.operands[0])))
        return 0
    descriptor = handshake.descriptor()
    addr, operand = int(options.operands[0], 0), options.operands[1]
    v2 = descriptor.get("tcp_proto_version", 1) >= 2
    with open_data(options.name, descriptor) as connection:
        if options.command == "write":
            data = bytes.fromhex(operand)
            connection.write_v2(addr, data) if v2 else connection.write(addr, data)
        else:
            size = int(operand, 0)
            print((connection.read_v2(addr, size) if v2 else connection.read(addr, size)).hex())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
