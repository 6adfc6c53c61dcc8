"""Bytes seen on the wire from targets of Mooncake's releases: the expectations of these tests."""

CONNECTION_TEXT = (
    b'{"local_gid":"","local_lid":0,"local_nic_path":"","payload":"","peer_nic_path":"","qp_num":[],"reply_msg":""}\n'
)


def _framed(first: str, rest: bytes) -> bytes:
    """`first`: the length field's lowest byte and, separated by a blank, the type byte if there is one."""
    length, *kind = bytes.fromhex(first)
    return bytes([length]) + bytes(7) + bytes(kind) + rest


# main
CONNECTION_REPLY = _framed("6f 00", CONNECTION_TEXT)
OLD_REPLY = _framed("6e", CONNECTION_TEXT)
NOTIFY_REPLY = _framed("24 02", b'{"name":"","notify_msg":"success"}\n')
PROBE_REPLY = _framed("16 03", b'{"status":"success"}\n')

# nvmf
NULL_CONNECTION_REPLY = _framed("06 00", b"null\n")
NULL_NOTIFY_REPLY = _framed("06 02", b"null\n")
NULL_OLD_REPLY = _framed("05", b"null\n")

DESCRIPTOR_TEXT = (
    b'{"buffers":[{"addr":140082153680896,"length":1048576,"name":"127.0.0.1:16717"}],"name":"127.0.0.1:16717",'
    b'"protocol":"tcp","tcp_data_port":16310,"tcp_proto_version":2,"timestamp":"2026-11-21 02:50:34.534836"}\n'
)
DESCRIPTOR_REPLY = _framed("d1 01", DESCRIPTOR_TEXT)
DESCRIPTOR_MEMBERS = {"buffers", "name", "protocol", "tcp_data_port", "tcp_proto_version", "timestamp"}
BUFFER_MEMBERS = {"addr", "length", "name"}
TIMESTAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"

STATUS_OK = bytes.fromhex("00000000 5654434d")
STATUS_REJECTED = bytes.fromhex("01000000 5654434d")
