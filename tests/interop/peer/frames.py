"""Mooncake's handshake framing.

A message is a 64-bit little-endian length, a type byte and JSON text, the length counting type and text. Before v0.3.0
there was no type byte; a receiver knows such an old frame by a first byte above its highest type.
"""

import json
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from . import sockets

MAX_LENGTH = 1 << 20
LENGTH = struct.Struct("<Q")


class MessageType(IntEnum):
    CONNECTION = 0
    METADATA = 1
    NOTIFY = 2
    PROBE = 3


class FrameError(Exception):
    """The frame's length is zero or above the reader's limit."""


@dataclass(frozen=True)
class Message:
    """One message; `type` is None in the old format."""

    type: int | None
    text: bytes

    def json(self) -> Any:
        return json.loads(self.text)


def json_text(value: Any) -> bytes:
    """As the stock programs write it: compact, members in lexicographic order, a newline at the end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def encode(message: Message) -> bytes:
    payload = message.text if message.type is None else bytes([message.type]) + message.text
    return LENGTH.pack(len(payload)) + payload


def decode_payload(payload: bytes, highest_type: int) -> Message:
    """Splits what follows the length. The comparison is of a signed char, so 0x80 and above count as types."""
    first = payload[0]
    if highest_type < first < 0x80:
        return Message(None, payload)
    return Message(first, payload[1:])


def receive(sock: socket.socket, highest_type: int = MessageType.PROBE) -> Message:
    (length,) = LENGTH.unpack(sockets.receive_exactly(sock, LENGTH.size))
    if not 0 < length <= MAX_LENGTH:
        raise FrameError(f"length {length} of a handshake message")
    return decode_payload(sockets.receive_exactly(sock, length), highest_type)
