"""Broken answers to the question for a descriptor. A client must end with an error, in bounded time and memory."""

from collections.abc import Callable
from typing import Any

from . import frames
from .frames import Message, MessageType

Descriptor = dict[str, Any]


def _encode(value: Any, kind: int = MessageType.METADATA) -> bytes:
    return frames.encode(Message(kind, frames.json_text(value)))


def _buffer_with(member: str, value: Any) -> Callable[[Descriptor], bytes]:
    def reply(descriptor: Descriptor) -> bytes:
        return _encode({**descriptor, "buffers": [{**descriptor["buffers"][0], member: value}]})

    return reply


def _without_end(descriptor: Descriptor) -> bytes:
    return _encode(descriptor)[:-20]


def _deeply_nested(_: Descriptor) -> bytes:
    return frames.encode(Message(MessageType.METADATA, b"[" * 500_000 + b"]" * 500_000))


REPLY_FAULTS: dict[str, Callable[[Descriptor], bytes]] = {
    "closes": lambda _: b"",
    "null": lambda _: _encode(None),
    "huge-length": lambda _: frames.LENGTH.pack(1 << 40) + b"\x01{",
    "zero-length": lambda _: frames.LENGTH.pack(0),
    "truncated": _without_end,
    "no-json": lambda _: frames.encode(Message(MessageType.METADATA, b"{buffers")),
    "deeply-nested": _deeply_nested,
    "wrong-type": lambda descriptor: _encode(descriptor, MessageType.NOTIFY),
    "unknown-protocol": lambda descriptor: _encode({**descriptor, "protocol": "carrier-pigeon"}),
    "name-is-object": lambda descriptor: _encode({**descriptor, "name": {}}),
    "port-out-of-range": lambda descriptor: _encode({**descriptor, "tcp_data_port": 70000}),
    "buffer-addr-zero": _buffer_with("addr", 0),
    "buffer-addr-negative": _buffer_with("addr", -4096),
    "buffer-length-string": _buffer_with("length", "4096"),
    "buffer-wraps": _buffer_with("length", (1 << 64) - 1),
}
