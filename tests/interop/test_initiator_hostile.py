"""mc-bench as an initiator against targets that break the protocol: a clear failure, and no hang."""

import itertools
import socket
from collections.abc import Iterable
from typing import Any

import bench
from peer import sockets
from peer.faults import FAULTS
from peer.replies import REPLY_FAULTS
from support import InteropTest, ScriptedTarget, several_at_once

# What is to be told: the exit code, and words of the message.
LOST = (69, "FAILED after 0 of ")
REJECTED = (1, "FAILED after 0 of ")
TIMED_OUT = (75, "TIMEOUT after 0 of ")
BREAKS_OFF = {
    "rejecting": LOST,  # Where a profile can say so: REJECTED.
    "stalls-header": TIMED_OUT,
    "stalls-payload": TIMED_OUT,
    "resets": LOST,
    "truncates": LOST,
    "garbage-status": LOST,
    "unknown-status": LOST,
}
DATA_IS_WRONG = ("forgets-writes", "corrupts-reads")
BROKEN_REPLY = {
    "closes": (76, "the peer closed without a reply"),
    "null": (69, "its owner answers but serves nothing"),
    "huge-length": (76, "a handshake message of 1099511627776 bytes, above the limit of 1048576"),
    "zero-length": (76, "a handshake message of length 0"),
    "truncated": (76, "the peer closed in the middle of its reply"),
    "no-json": (76, "the reply is no JSON"),
    "deeply-nested": (65, "segment descriptor: expected an object, got an array"),
    "wrong-type": (76, "a reply of type 2 to a request of type 1"),
    "unknown-protocol": (65, 'protocol: unknown protocol "carrier-pigeon"'),
    "name-is-object": (65, "name: expected a string, got an object"),
    "port-out-of-range": (65, "tcp_data_port: expected a port from 0 to 65535, got 70000"),
    "buffer-addr-zero": (65, "buffers[0].addr: missing or 0"),
    "buffer-addr-negative": (65, "buffers[0].addr: expected an unsigned integer, got a negative number"),
    "buffer-length-string": (65, "buffers[0].length: expected an unsigned integer, got a string"),
    "buffer-wraps": (65, "buffers[0].length: 18446744073709551615 bytes from address 0x7f3210000000 go beyond 64 bits"),
}
# Version 2 on kept connections, version 1 on kept ones, version 1 with a connection for each request.
PROFILES = ("main", "v0.3.10", "nvmf")
OPERATIONS = ("read", "write")
PATIENT = {"MC_RETRY_CNT": "1"}
IMPATIENT = PATIENT | {"MC_TCP_STATUS_TIMEOUT_SEC": "1", "MC_SLICE_TIMEOUT": "1"}


class Hostile(InteropTest):
    def assert_told(self, run: bench.Run, code: int, words: str) -> None:
        """The exit code that fits, and a sentence; never a signal, never "our bug"."""
        self.assertEqual(run.status, code, run.errors)
        self.assertRegex(run.errors, "(?m)^mc-bench: ")
        self.assertIn(words, run.errors)

    def check_faults(
        self,
        good_requests: int,
        faults: Iterable[str] = BREAKS_OFF,
        operations: Iterable[str] = OPERATIONS,
        **options: object,
    ) -> None:
        def run(case: tuple[str, str, str]) -> tuple[bench.Run, dict[str, Any]]:
            profile, fault, operation = case
            limits = IMPATIENT if BREAKS_OFF[fault] == TIMED_OUT else PATIENT
            memory = options.get("buffer_size", 1 << 20)
            with ScriptedTarget(profile, fault=fault, good_requests=good_requests, buffer_size=memory) as target:
                return bench.initiate(target.name, operation, limits, duration=30, **options), target.record()

        cases = list(itertools.product(PROFILES, faults, operations))
        for (profile, fault, operation), (ended, record) in several_at_once(run, cases):
            with self.subTest(profile=profile, fault=fault, operation=operation):
                rejected = fault == "rejecting" and profile == "main"
                self.assert_told(ended, *(REJECTED if rejected else BREAKS_OFF[fault]))
                self.assertGreater(ended.failed_requests, 0)
                self.assertEqual(ended.mismatched_blocks, 0)
                self.assertEqual(record["violations"], {})

    def test_every_fault_has_its_words(self) -> None:
        self.assertEqual(set(FAULTS), {*BREAKS_OFF, *DATA_IS_WRONG})
        self.assertEqual(set(REPLY_FAULTS), set(BROKEN_REPLY))

    def test_from_the_first_request_on(self) -> None:
        self.check_faults(good_requests=0)

    def test_from_the_first_request_on_unverified(self) -> None:
        """The first request of a read is then a read."""
        self.check_faults(good_requests=0, verify="false")

    def test_in_the_middle_of_a_run(self) -> None:
        self.check_faults(good_requests=100)

    def test_a_peer_that_stops_reading_more_than_the_sockets_hold(self) -> None:
        stalls = [fault for fault, told in BREAKS_OFF.items() if told == TIMED_OUT]
        large = {"block_size": 16 << 20, "batch_size": 2, "buffer_size": 32 << 20}
        self.check_faults(good_requests=3, faults=stalls, operations=["write"], verify="false", **large)

    def test_wrong_data_is_found(self) -> None:
        def run(case: tuple[str, str, str, int]) -> bench.Run:
            profile, fault, operation, good_requests = case
            with ScriptedTarget(profile, fault=fault, good_requests=good_requests) as target:
                # Time for more than the good ones, where each takes a connection of its own on a busy machine.
                return bench.initiate(target.name, operation, duration="2s", warmup=0)

        cases = list(itertools.product(PROFILES, DATA_IS_WRONG, (*OPERATIONS, "mixed"), (0, 10)))
        for (profile, fault, operation, good_requests), ended in several_at_once(run, cases):
            with self.subTest(profile=profile, fault=fault, operation=operation, good_requests=good_requests):
                self.assert_told(ended, 1, "blocks were wrong")
                self.assertGreater(ended.mismatched_blocks, 0)

    def test_broken_descriptors(self) -> None:
        for fault, (code, words) in BROKEN_REPLY.items():
            with self.subTest(fault=fault):
                target = self.scripted_target("main", reply_fault=fault)
                self.assert_told(bench.initiate(target.name, "read"), code, words)
                self.assertEqual(target.record()["requests"], 0)

    def test_nobody_listens(self) -> None:
        with socket.socket() as taken:  # Nobody else listens there meanwhile.
            taken.bind(("127.0.0.1", 0))
            name = sockets.join_name(*taken.getsockname())
            run = bench.initiate(name, "read")
        self.assert_told(run, 69, f"connect to {name}: Connection refused")

    def test_a_target_that_dies_under_way(self) -> None:
        for profile in PROFILES:
            for operation in (*OPERATIONS, "mixed"):
                with self.subTest(profile=profile, operation=operation):
                    target = self.scripted_target(profile)
                    run = bench.initiate(
                        target.name,
                        operation,
                        PATIENT,
                        under_way=target.process.kill,
                        duration="50ms",
                        warmup=0,
                        repeat=10_000,
                    )
                    self.assert_told(run, 69, "FAILED after")
                    self.assertEqual(run.mismatched_blocks, 0)
