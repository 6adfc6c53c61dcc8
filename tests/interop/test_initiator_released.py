"""mc-bench as an initiator against targets as releases have them, and targets that only look like those."""

from typing import Any

import bench
import observed
from peer import descriptor
from peer.profiles import PROFILES
from support import InteropTest, ScriptedTarget

RELEASED = ("main", "v0.3.10", "nvmf", "lying", "lying-closing", "v2-closing", "slow")
OPERATIONS = ("read", "write", "mixed")


class Released(InteropTest):
    def run_verified(
        self, target: ScriptedTarget, operation: str, environment: dict[str, str] | None = None, **options: object
    ) -> tuple[bench.Run, dict[str, Any]]:
        """The data is right, and the target saw nothing that its profile could not stand."""
        run = bench.initiate(target.name, operation, environment, **options)
        record = target.record()
        context = f"{run.errors}\n{record}"
        self.assertEqual(run.status, 0, context)
        self.assertGreater(run.requests, 0, context)
        self.assertEqual(run.failed_requests, 0, context)
        self.assertGreater(run.verified_blocks, 0, context)
        self.assertEqual(run.mismatched_blocks, 0, context)
        self.assertEqual(record["violations"], {}, context)
        self.assertEqual(record["rejected"], 0, context)
        self.assertEqual(record["nonzero_padding"], 0, context)
        self.assertEqual(record["truncated_payloads"], 0, context)
        return run, record

    def check_profile(self, profile: str, operation: str, **options: object) -> None:
        run, record = self.run_verified(self.scripted_target(profile), operation, **options)
        behaviour = PROFILES[profile]
        self.assertIsNone(record["opcodes"].get("0x81") if not behaviour.speaks_v2 else None, record)
        if behaviour.closes:
            self.assertEqual(set(record["requests_per_connection"]) - {"0"}, {"1"}, record)
            self.assertLessEqual(sum(record["late"].values()), 64 + record["requests"] // 10, record)
        if not behaviour.publishes_v2:
            self.assertLessEqual(set(record["handshakes"]), {"1"}, record)
        if operation == "write":
            self.check_acknowledgement(run, record, behaviour.speaks_v2)

    def check_acknowledgement(self, run: bench.Run, record: dict[str, Any], speaks_v2: bool) -> None:
        """Without version 2, only an answer behind a write or a close by the peer tells that it was applied."""
        if speaks_v2:
            self.assertEqual(run.acknowledgement, {"acknowledged"}, record)
        elif run.acknowledgement == {"acknowledged"}:
            self.assertEqual(record["unconfirmed_writes"], 0, record)
        else:
            self.assertIn(run.acknowledgement, ({"unacknowledged"}, {"mixed"}), record)

    def test_one_thread(self) -> None:
        for profile in RELEASED:
            for operation in OPERATIONS:
                with self.subTest(profile=profile, operation=operation):
                    self.check_profile(profile, operation)

    def test_four_threads(self) -> None:
        for profile in ("main", "v0.3.10", "nvmf", "v2-closing"):
            with self.subTest(profile=profile):
                self.check_profile(profile, "mixed", threads=4)

    def test_large_blocks(self) -> None:
        for profile in ("main", "v0.3.10", "nvmf"):
            with self.subTest(profile=profile):
                target = self.scripted_target(profile, buffer_size=16 << 20)
                self.run_verified(target, "mixed", block_size=1 << 20, batch_size=4, buffer_size=16 << 20)

    def test_blocks_smaller_than_a_status_frame(self) -> None:
        for profile in ("main", "lying", "nvmf"):
            with self.subTest(profile=profile):
                self.run_verified(self.scripted_target(profile), "mixed", block_size=4)

    def test_version_1_can_be_demanded(self) -> None:
        target = self.scripted_target("main")
        _, record = self.run_verified(target, "mixed", environment={"MC_TCP_PROTO": "1"})
        self.assertLessEqual(set(record["opcodes"]), {"0x00", "0x01"})

    def test_connections_to_a_peer_that_keeps_them_are_used_again(self) -> None:
        _, record = self.run_verified(self.scripted_target("main"), "mixed", threads=2)
        self.assertLess(record["connections"] * 10, record["requests"], record)

    def test_the_handshake_is_that_of_a_stock_initiator(self) -> None:
        _, record = self.run_verified(self.scripted_target("main"), "read")
        self.assertLessEqual(set(record["handshakes"]), {"1", "3"})
        self.assertEqual(descriptor.problems(record["last_caller"]), [], record["last_caller"])

    def test_ipv6(self) -> None:
        target = self.scripted_target("main", host="::1")
        self.run_verified(target, "mixed", local_server_name="[::1]", environment={"MC_USE_IPV6": "1"})

    def test_addresses_use_all_64_bits(self) -> None:
        self.run_verified(self.scripted_target("main", base=0xFFFF_8000_0000_1000), "mixed")

    def test_several_buffers(self) -> None:
        self.run_verified(self.scripted_target("main", buffers=3), "mixed", threads=3)

    def test_memory_that_looks_like_status_frames_is_no_proof(self) -> None:
        """A v1 peer's bytes can pass for acknowledgements; only their number can't."""
        for profile in ("lying", "lying-closing"):
            with self.subTest(profile=profile):
                target = self.scripted_target(profile, fill=observed.STATUS_OK.hex())
                self.run_verified(target, "mixed", tcp_connect_timeout="5s")

    def test_v1_writes_that_are_applied_late_do_not_look_corrupt(self) -> None:
        for profile in ("nvmf", "v0.3.10"):
            with self.subTest(profile=profile):
                self.run_verified(self.scripted_target(profile, apply_delay=0.02), "write", batch_size=4)
