"""The descriptor of a tcp segment, as each profile publishes it."""

from datetime import datetime
from typing import Any

from .profiles import Profile
from .region import Buffer


def timestamp() -> str:
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S.%f")


def build(profile: Profile, name: str, data_port: int, buffers: list[Buffer]) -> dict[str, Any]:
    """Members by revision: tcp_proto_version since v0.3.12, file_buffers only on the nvmf branch."""
    result: dict[str, Any] = {
        "name": name,
        "protocol": "tcp",
        "tcp_data_port": data_port,
        "timestamp": timestamp(),
        "buffers": [{"name": name, "addr": buffer.addr, "length": buffer.length} for buffer in buffers],
    }
    if profile.publishes_v2:
        result["tcp_proto_version"] = 2
    if profile.publishes_files:
        result["file_buffers"] = []
    return result


def problems(descriptor: Any) -> list[str]:
    """What would make a stock reader refuse a tcp descriptor: wrong types, empty names, zero numbers."""
    if not isinstance(descriptor, dict):
        return ["not an object"]
    found = [f"{key} is no string" for key in ("name", "protocol", "timestamp") if not _is(descriptor, key, str)]
    found += [f"{key} is no integer" for key in ("tcp_data_port",) if not _is(descriptor, key, int)]
    if not isinstance(descriptor.get("tcp_proto_version", 1), int):
        found.append("tcp_proto_version is no integer")
    if descriptor.get("protocol") != "tcp":
        found.append(f"protocol {descriptor.get('protocol')!r}")
    buffers = descriptor.get("buffers")
    if not isinstance(buffers, list):
        return found + ["buffers is no array"]
    for index, buffer in enumerate(buffers):
        if not (_is(buffer, "name", str) and _is(buffer, "addr", int) and _is(buffer, "length", int)):
            found.append(f"buffers[{index}] has members of the wrong type")
        elif not (buffer["name"] and buffer["addr"] > 0 and buffer["length"] > 0):
            found.append(f"buffers[{index}] is empty")
    return found


def _is(value: Any, key: str, kind: type) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), kind)
