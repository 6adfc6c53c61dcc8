"""Sockets with deadlines, and server names "host:port" with IPv6 hosts in brackets."""

import contextlib
import random
import socket
import struct

DEFAULT_HANDSHAKE_PORT = 12001
PORT_RANGE = range(15000, 17001)


class Truncated(Exception):
    """The peer closed in the middle of something; `got` is what arrived of it."""

    def __init__(self, got: bytes, wanted: int) -> None:
        super().__init__(f"connection closed after {len(got)} of {wanted} bytes")
        self.got = got


def split_name(name: str) -> tuple[str, int]:
    """Host and port of a server name, the port defaulting as in Mooncake."""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else DEFAULT_HANDSHAKE_PORT
    if name.count(":") != 1:
        return name, DEFAULT_HANDSHAKE_PORT
    host, _, port = name.partition(":")
    return host, int(port)


def join_name(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(host: str, port: int, timeout: float) -> socket.socket:
    sock = socket.create_connection((host, port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def listen(host: str) -> socket.socket:
    """Listens on a random free port of the range that Mooncake draws from."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.sample(PORT_RANGE, 500):
        sock = socket.socket(family)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            sock.bind((host, port))
            sock.listen(128)
            return sock
        sock.close()
    raise OSError(f"no free port between {PORT_RANGE.start} and {PORT_RANGE.stop - 1} on {host}")


def receive_into(sock: socket.socket, view: memoryview) -> int:
    """Fills `view`; returns fewer bytes only when the peer closed."""
    done = 0
    while done < len(view):
        count = sock.recv_into(view[done:])
        if count == 0:
            break
        done += count
    return done


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    buffer = bytearray(size)
    got = receive_into(sock, memoryview(buffer))
    if got < size:
        raise Truncated(bytes(buffer[:got]), size)
    return bytes(buffer)


def receive_until_closed(sock: socket.socket) -> bytes:
    """Everything up to the peer's close, be it FIN or RST. A peer that keeps the connection is a TimeoutError."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := sock.recv(65536):
            data += chunk
    return bytes(data)


def reset(sock: socket.socket) -> None:
    """Closes with an RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
