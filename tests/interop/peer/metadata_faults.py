"""How a metadata server can fail one who talks to it: each takes the connection's handler after a whole request."""

import os
import signal
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

HUGE = 200 << 20
BLOCK = bytes(1 << 16)


def send_head(handler: BaseHTTPRequestHandler, *headers: str) -> bool:
    """Whether a body is to follow."""
    handler.wfile.write("\r\n".join(("HTTP/1.1 200 OK", *headers, "", "")).encode())
    return handler.command != "HEAD"


def garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(bytes(range(256)) * 4)


def other_protocol(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"-ERR unknown command 'GET'\r\n")


def never_answers(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)  # Until the client gives up.


def closes(handler: BaseHTTPRequestHandler) -> None:
    pass


def dies(_: BaseHTTPRequestHandler) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def closes_in_the_middle(handler: BaseHTTPRequestHandler) -> None:
    if send_head(handler, "Content-Length: 100"):
        handler.wfile.write(b'{"name": "x')


def drips(handler: BaseHTTPRequestHandler) -> None:
    has_body = send_head(handler, "Content-Length: 1000")
    while has_body:
        handler.wfile.write(b" ")
        time.sleep(0.1)


def drips_head(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.1)


def huge(handler: BaseHTTPRequestHandler) -> None:
    if send_head(handler, f"Content-Length: {HUGE}"):
        for _ in range(HUGE // len(BLOCK)):
            handler.wfile.write(BLOCK)


def huge_unannounced(handler: BaseHTTPRequestHandler) -> None:
    if send_head(handler, "Connection: close"):
        for _ in range(HUGE // len(BLOCK)):
            handler.wfile.write(BLOCK)


def redirects(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/metadata\r\nContent-Length: 0\r\n\r\n")


def refuses(handler: BaseHTTPRequestHandler) -> None:
    body = b"" if handler.command == "HEAD" else b"no disk"
    handler.wfile.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 7\r\n\r\n" + body)


def not_json(handler: BaseHTTPRequestHandler) -> None:
    if send_head(handler, "Content-Length: 6"):
        handler.wfile.write(b"<html>")


FAULTS: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "garbage": garbage,
    "other-protocol": other_protocol,
    "never-answers": never_answers,
    "closes": closes,
    "dies": dies,
    "closes-in-the-middle": closes_in_the_middle,
    "drips": drips,
    "drips-head": drips_head,
    "huge": huge,
    "huge-unannounced": huge_unannounced,
    "redirects": redirects,
    "refuses": refuses,
    "not-json": not_json,
}
