"""The scripted peers against each other: the handshake."""

import json
import re

import observed
from peer import descriptor, frames
from peer.frames import LENGTH, Message, MessageType
from peer.replies import REPLY_FAULTS
from support import InteropTest


def message(kind: int, text: bytes) -> bytes:
    return frames.encode(Message(kind, text))


class ObservedReplies(InteropTest):
    def assert_replies(self, profile: str, expected: dict[bytes, bytes]) -> None:
        target = self.scripted_target(profile)
        for request, reply in expected.items():
            self.assertEqual(target.handshake.raw(request), reply, request)
        self.assertEqual(target.record()["violations"], {})

    def test_main_answers_as_observed(self) -> None:
        self.assert_replies(
            "main",
            {
                message(0, b"{}"): observed.CONNECTION_REPLY,
                message(2, b'{"name":"a","notify_msg":"b"}\n'): observed.NOTIFY_REPLY,
                message(3, b"{}"): observed.PROBE_REPLY,
                LENGTH.pack(2) + b"{}": observed.OLD_REPLY,
                message(4, b"{}"): b"",
                message(1, b"{bad"): b"",
                LENGTH.pack(0): b"",
                LENGTH.pack((1 << 20) + 1) + b"\x01": b"",
            },
        )

    def test_nvmf_answers_as_observed(self) -> None:
        self.assert_replies(
            "nvmf",
            {
                message(0, b"{}"): observed.NULL_CONNECTION_REPLY,
                message(2, b'{"name":"a","notify_msg":"b"}\n'): observed.NULL_NOTIFY_REPLY,
                message(3, b"{}"): b"",
                LENGTH.pack(2) + b"{}": observed.NULL_OLD_REPLY,
                message(4, b"{}"): b"",
                message(1, b"{bad"): b"",
            },
        )

    def test_v0_3_10_knows_no_probe(self) -> None:
        self.assert_replies("v0.3.10", {message(3, b"{}"): b""})

    def test_a_message_that_ends_a_stock_process_is_a_violation(self) -> None:
        target = self.scripted_target("main")
        target.handshake.raw(message(0, b'{"payload":{}}'))
        self.assertIn("a message that ends a stock process", target.record()["violations"])


class Framing(InteropTest):
    def test_the_observed_descriptor_is_reproduced(self) -> None:
        text = frames.json_text(json.loads(observed.DESCRIPTOR_TEXT))
        self.assertEqual(message(1, text), observed.DESCRIPTOR_REPLY)

    def test_a_first_byte_above_the_types_is_an_old_frame(self) -> None:
        self.assertIsNone(frames.decode_payload(b"{}", MessageType.PROBE).type)
        self.assertIsNone(frames.decode_payload(b"\x03{}", MessageType.NOTIFY).type)
        self.assertEqual(frames.decode_payload(b"\x80{}", MessageType.PROBE).type, 0x80)


class Descriptors(InteropTest):
    def members(self, profile: str) -> set[str]:
        target = self.scripted_target(profile)
        got = target.handshake.descriptor()
        self.assertEqual(descriptor.problems(got), [])
        self.assertEqual(got["name"], target.name)
        self.assertRegex(got["timestamp"], re.compile(f"^{observed.TIMESTAMP}$"))
        return set(got)

    def test_members_by_revision(self) -> None:
        v1 = observed.DESCRIPTOR_MEMBERS - {"tcp_proto_version"}
        self.assertEqual(self.members("main"), observed.DESCRIPTOR_MEMBERS)
        self.assertEqual(self.members("lying"), observed.DESCRIPTOR_MEMBERS)
        self.assertEqual(self.members("v0.3.10"), v1)
        self.assertEqual(self.members("nvmf"), v1 | {"file_buffers"})

    def test_addresses_use_all_64_bits(self) -> None:
        target = self.scripted_target("main", base=0xFFFF_8000_0000_1000)
        self.assertEqual(target.handshake.descriptor()["buffers"][0]["addr"], 0xFFFF_8000_0000_1000)
        with target.connect() as connection:
            self.assertEqual(connection.read_v2(target.base, 4), bytes(range(4)))

    def test_ipv6_names_are_in_brackets(self) -> None:
        target = self.scripted_target("main", host="::1")
        self.assertRegex(target.name, r"^\[::1\]:\d+$")
        with target.connect() as connection:
            self.assertEqual(connection.read_v2(target.base, 4), bytes(range(4)))
        self.assertEqual(target.handshake.probe(), {"status": "success"})

    def test_problems_are_found(self) -> None:
        good = json.loads(observed.DESCRIPTOR_TEXT)
        self.assertEqual(descriptor.problems(good), [])
        for wrong in ({"name": {}}, {"tcp_data_port": "1"}, {"protocol": "rdma"}, {"buffers": [{"name": "a"}]}):
            self.assertNotEqual(descriptor.problems(good | wrong), [], wrong)

    def test_broken_replies_are_sent_as_asked(self) -> None:
        for fault, reply in REPLY_FAULTS.items():
            target = self.scripted_target("main", reply_fault=fault)
            raw = target.handshake.raw(message(1, b"{}"))
            if fault in ("closes", "huge-length", "zero-length", "null", "no-json", "deeply-nested"):
                self.assertEqual(raw, reply({}), fault)
            elif fault == "truncated":
                self.assertLess(len(raw), LENGTH.unpack(raw[:8])[0] + LENGTH.size)
            elif fault == "wrong-type":
                self.assertEqual(raw[8], MessageType.NOTIFY)
            else:
                self.assertNotEqual(self.why_refused(json.loads(raw[9:])), [], fault)

    def why_refused(self, got: dict[str, object]) -> list[str]:
        found = descriptor.problems(got)
        if got["tcp_data_port"] == 70000:
            found.append("port")
        buffers = got["buffers"]
        if isinstance(buffers, list) and buffers[0]["length"] == (1 << 64) - 1:
            found.append("wraps")
        return found


class Messages(InteropTest):
    def test_the_record_holds_what_was_said(self) -> None:
        target = self.scripted_target("main")
        self.assertEqual(target.handshake.notify("me", "hello"), {"name": "", "notify_msg": "success"})
        target.handshake.descriptor({"name": "me", "protocol": "tcp"})
        record = target.record()
        self.assertEqual(record["notifications"], [{"name": "me", "notify_msg": "hello"}])
        self.assertEqual(record["last_caller"], {"name": "me", "protocol": "tcp"})
        self.assertEqual(record["handshakes"], {"1": 1, "2": 1})

    def test_a_client_that_keeps_the_connection_is_a_violation(self) -> None:
        target = self.scripted_target("main", patience=1.0)
        with target.handshake.connection() as sock:
            sock.sendall(message(3, b"{}"))
            frames.receive(sock)
            # Served only after the daemon has lost its patience with the first.
            self.assertEqual(target.handshake.probe(), {"status": "success"})
        self.assertIn("handshake connection kept after the reply", target.record()["violations"])
