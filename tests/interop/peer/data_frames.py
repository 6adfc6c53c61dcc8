"""The 24-byte request header and the 8-byte status frame of Mooncake's TCP data transport."""

import struct
from dataclasses import dataclass

HEADER = struct.Struct("<QQB7s")
READ = 0x00
WRITE = 0x01
ACKNOWLEDGED = 0x80
READ_V2 = READ | ACKNOWLEDGED
WRITE_V2 = WRITE | ACKNOWLEDGED

STATUS_SIZE = 8
STATUS_OK = bytes.fromhex("00000000 5654434d")
STATUS_REJECTED = bytes.fromhex("01000000 5654434d")

ZERO_PADDING = bytes(7)


@dataclass(frozen=True)
class Request:
    """One request as it stands in the header."""

    size: int
    addr: int
    opcode: int
    padding: bytes = ZERO_PADDING

    @property
    def wants_status(self) -> bool:
        return bool(self.opcode & ACKNOWLEDGED)

    def encode(self) -> bytes:
        return HEADER.pack(self.size, self.addr, self.opcode, self.padding)

    @staticmethod
    def decode(header: bytes) -> "Request":
        return Request(*HEADER.unpack(header))
