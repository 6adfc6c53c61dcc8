"""Keys in a metadata server over HTTP, as the engines of Mooncake's releases write and read them: plain requests, a
body announced by `Expect: 100-continue` as their libcurl does it, no conditions."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from . import frames, sockets

TIMEOUT = 10.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING_SIZE = 1024  # a longer body waits for leave to come


def location_key(name: str) -> str:
    return f"mooncake/rpc_meta/{name}"


def segment_key(name: str) -> str:
    return f"mooncake/{name}" if "/" in name else f"mooncake/ram/{name}"


class MetadataClient:
    """One connection, kept as long as the server keeps it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)

    def get(self, key: str) -> Any:
        status, body = self._request("GET", key)
        return json.loads(body) if status == 200 else None

    def put(self, key: str, value: Any) -> bool:
        return self._request("PUT", key, frames.json_text(value).rstrip(b"\n"))[0] == 200

    def remove(self, key: str) -> bool:
        return self._request("DELETE", key)[0] == 200

    def publish(self, name: str, host: str, port: int, descriptor: Any) -> None:
        """The address, then the segment."""
        location = {"ip_or_host_name": host, "rpc_port": port}
        if not self.put(location_key(name), location) or not self.put(segment_key(name), descriptor):
            raise RuntimeError(f"{name} could not be published")

    def withdraw(self, name: str) -> bool:
        removed = [self.remove(key) for key in (segment_key(name), location_key(name))]
        return all(removed)

    def _request(self, method: str, key: str, body: bytes = b"") -> tuple[int, bytes]:
        connection = self._connection
        expects = len(body) > EXPECTING_SIZE
        connection.putrequest(method, f"{self._path}?key={quote(key, safe='')}", skip_accept_encoding=True)
        connection.putheader("Accept", "*/*")
        if method == "PUT":
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        if expects:
            connection.putheader("Expect", "100-continue")
        connection.endheaders()
        if expects and (got := sockets.receive_exactly(connection.sock, len(CONTINUE))) != CONTINUE:
            raise RuntimeError(f"{got!r} instead of leave to send the body")
        if body:
            connection.send(body)
        response = connection.getresponse()
        return response.status, response.read()
