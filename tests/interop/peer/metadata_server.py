"""A scripted metadata server: python3 -m peer.metadata_server --profile=NAME. Ready, it prints one line of JSON with
its URL; on SIGTERM another with what it saw.

The profiles are those of Mooncake: the example servers in Go and in Python, and the one of its master ("embedded")."""

import argparse
import json
import signal
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .metadata_faults import FAULTS

PROFILES = ("go", "python", "embedded")
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


class State:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.values: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.requests: list[str] = []
        self.connections = 0
        self.conditions = 0  # headers that these servers ignore
        self.failed = 0

    def fault_is_due(self) -> bool:
        """For the newest request; under the lock."""
        options = self.options
        if not options.fault or self.failed == options.bad_requests:
            return False
        if options.good_until:
            due = any(request.startswith(options.good_until) for request in self.requests)
        else:
            due = len(self.requests) > options.good_requests
        self.failed += due
        return due


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def setup(self) -> None:
        super().setup()
        with self.server.state.lock:
            self.server.state.connections += 1

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_PUT = do_DELETE = do_HEAD = do_GET

    def _answer(self) -> None:
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        with state.lock:
            state.requests.append(f"{self.command} {self.path}")
            state.conditions += any(self.headers.get(name) for name in ("If-Match", "If-None-Match"))
            fails = state.fault_is_due()
        if fails:
            self.close_connection = True
            FAULTS[state.options.fault](self)
            return
        if parts.path != "/metadata":
            return self._reply(404, b"404 page not found")
        if "key" not in query:
            return self._reply(400, b"missing key")
        with state.lock:
            status, text = self._apply(query["key"][0], body)
        self._reply(status, text)

    def _apply(self, key: str, body: bytes) -> tuple[int, bytes]:
        """Under the lock."""
        values, profile = self.server.state.values, self.server.state.options.profile
        if self.command == "GET":
            return (200, values[key]) if key in values else (404, b"metadata not found")
        if self.command == "PUT":
            if "rpc_meta" in key and key in values:
                if profile == "embedded" and values[key] == body:
                    return 200, b"metadata unchanged"
                if profile != "go":
                    return 400, b"Duplicate rpc_meta key not allowed"
            values[key] = body
            return 200, b"metadata updated"
        if self.command == "DELETE":
            if key not in values and profile != "go":
                return 404, b"metadata not found"
            values.pop(key, None)
            return 200, b"metadata deleted"
        return 405, b"method not allowed"

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    state: State


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="peer.metadata_server", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="go", help="whose behaviour")
    parser.add_argument("--port", type=int, default=0, help="to listen on; 0: a free one")
    parser.add_argument("--fault", choices=FAULTS, default="", help="how it fails")
    parser.add_argument("--good-requests", type=int, default=0, help="served properly before the fault")
    parser.add_argument("--good-until", default="", help="instead: how the line of the first to fail begins")
    parser.add_argument("--bad-requests", type=int, default=-1, help="how many fail; -1: all that follow")
    parser.add_argument("--certificate", default="", help="PEM file with certificate and key: speak TLS")
    parser.add_argument("--lifetime", type=float, default=300.0, help="seconds after which it ends by itself")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    server = Server(("127.0.0.1", options.port), Handler)
    server.state = State(options)
    scheme = "http"
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"{scheme}://127.0.0.1:{server.server_port}/metadata"}), flush=True)
    signal.sigtimedwait(STOP_SIGNALS, options.lifetime)
    with server.state.lock:
        summary = {
            "keys": sorted(server.state.values),
            "requests": server.state.requests,
            "connections": server.state.connections,
            "conditions": server.state.conditions,
        }
    print(json.dumps(summary), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
