"""Targets, asked by a scripted initiator: the handshake daemon."""

import contextlib
import json
import re
import time

import observed
from bench import BenchTarget
from peer import frames, sockets
from peer.frames import LENGTH, Message, MessageType
from support import InteropTest
from target_case import MemoryTargetTest, TargetTest

PROBE = frames.encode(Message(MessageType.PROBE, b"{}"))
MIB = 1 << 20


class Replies(TargetTest):
    def reply(self, kind: int | None, text: bytes) -> bytes:
        return self.target.handshake.raw(frames.encode(Message(kind, text)))

    def test_each_type_is_answered_as_observed(self) -> None:
        self.assertEqual(self.reply(0, b"{}\n"), observed.CONNECTION_REPLY)
        self.assertEqual(self.reply(2, b'{"name":"a","notify_msg":"b"}\n'), observed.NOTIFY_REPLY)
        self.assertEqual(self.reply(3, b"{}\n"), observed.PROBE_REPLY)

    def test_old_frames_are_answered_in_the_old_format(self) -> None:
        self.assertEqual(self.reply(None, b"{}\n"), observed.OLD_REPLY)

    def test_the_descriptor_has_the_observed_form(self) -> None:
        for request in (b'{"name":"x"}', b"null\n", observed.DESCRIPTOR_TEXT):
            raw = self.reply(1, request)
            got = json.loads(raw[9:])
            self.assertEqual(raw, frames.encode(Message(1, frames.json_text(got))))
            self.assertEqual(set(got), observed.DESCRIPTOR_MEMBERS)
            self.assertEqual([got["name"], got["protocol"], got["tcp_proto_version"]], [self.target.name, "tcp", 2])
            self.assertRegex(got["timestamp"], re.compile(f"^{observed.TIMESTAMP}$"))
            for buffer in got["buffers"]:
                self.assertEqual(set(buffer), observed.BUFFER_MEMBERS)
                self.assertEqual(buffer["name"], self.target.name)

    def test_unknown_types_and_bad_json_close_without_a_reply(self) -> None:
        for kind in (0, 1, 2, 3, 4):
            self.assertEqual(self.reply(kind, b"{bad"), b"", kind)
        self.assertEqual(self.reply(4, b"{}"), b"")

    def test_lengths_out_of_range_close_without_a_reply(self) -> None:
        for length in (0, MIB + 1, 1 << 40, (1 << 64) - 1):
            self.assertEqual(self.target.handshake.raw(LENGTH.pack(length) + b"\x03{}"), b"", length)

    def test_the_longest_message_is_answered(self) -> None:
        text = b'{"a":"' + b"x" * (MIB - 1 - 8) + b'"}'
        self.assertEqual(len(text) + 1, MIB)
        self.assertEqual(self.reply(3, text), observed.PROBE_REPLY)


class Survival(TargetTest):
    def test_messages_of_the_wrong_shape(self) -> None:
        texts = [
            b'{"payload":{}}',
            b'{"qp_num":{}}',
            b'{"qp_num":[-1,"x",null,1e300]}',
            b'{"local_lid":-1}',
            b'{"name":{},"notify_msg":[]}',
            b'{"notify_msg":""}',
            b"[]",
            b"7",
            b'"text"',
            b"\xff\xfe",
            b"[" * 500_000 + b"]" * 500_000,
        ]
        for text in texts:
            for kind in (0, 1, 2, 3, None, 0x80, 0xFE, 0xFF):
                self.target.handshake.raw(frames.encode(Message(kind, text)))
        self.assertEqual(self.target.handshake.probe(), {"status": "success"})

    def test_notifications_without_end_are_bounded(self) -> None:
        for number in range(200):
            self.target.handshake.notify("peer", f"{number}:" + "x" * 50_000)

    def test_one_byte_at_a_time(self) -> None:
        with self.target.handshake.connection() as sock:
            for byte in frames.encode(Message(3, b"{}")):
                sock.sendall(bytes([byte]))
                time.sleep(0.002)
            self.assertEqual(sockets.receive_until_closed(sock), observed.PROBE_REPLY)

    def test_clients_that_vanish(self) -> None:
        for size in range(len(PROBE)):
            with self.target.handshake.connection() as sock:
                sock.sendall(PROBE[:size])
                if size % 2:
                    sockets.reset(sock)

    def test_idle_clients_keep_nobody_else_waiting(self) -> None:
        with contextlib.ExitStack() as stack:
            for size in range(40):
                sock = stack.enter_context(self.target.handshake.connection())
                sock.sendall(PROBE[: size % 9])
            with self.target.handshake.connection() as sock:
                sock.sendall(PROBE)
                sock.settimeout(60.0)  # a daemon that serves them one by one takes 5 s for each
                self.assertEqual(frames.receive(sock).type, MessageType.PROBE)
            self.assert_serves()


class Ipv6(InteropTest):
    def test_the_name_has_brackets_and_works(self) -> None:
        target = self.enterContext(BenchTarget("[::1]"))
        self.assertRegex(target.name, r"^\[::1\]:\d+$")
        self.assertEqual(target.handshake.probe(), {"status": "success"})
        with target.connect() as connection:
            connection.write_v2(target.base, bytes(range(16)))
            self.assertEqual(connection.read_v2(target.base, 16), bytes(range(16)))


class RepliesOfMemory(MemoryTargetTest, Replies):
    pass


class SurvivalOfMemory(MemoryTargetTest, Survival):
    pass
