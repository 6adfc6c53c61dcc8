"""mc-bench as an initiator against targets that break the protocol: a clear failure, and no hang."""

import bench
from peer import sockets
from peer.faults import FAULTS
from peer.replies import REPLY_FAULTS
from support import InteropTest

DATA_IS_WRONG = ("forgets-writes", "corrupts-reads")
BREAKS_OFF = tuple(name for name in FAULTS if name not in DATA_IS_WRONG)


class Hostile(InteropTest):
    def assert_fails_clearly(self, run: bench.Run) -> None:
        """An exit code that blames the peer, and a sentence; never a signal, never "our bug"."""
        self.assertIn(run.status, bench.ENDED_BADLY, run.errors)
        self.assertIn("mc-bench: ", run.errors)

    def check_fault(self, fault: str, operation: str, good_requests: int) -> None:
        target = self.scripted_target(fault, good_requests=good_requests)
        run = bench.initiate(target.name, operation, bench.IMPATIENT)
        self.assert_fails_clearly(run)
        self.assertEqual(target.record()["violations"], {})

    def test_from_the_first_request_on(self) -> None:
        for fault in BREAKS_OFF:
            for operation in ("read", "write"):
                with self.subTest(fault=fault, operation=operation):
                    self.check_fault(fault, operation, good_requests=0)

    def test_in_the_middle_of_a_run(self) -> None:
        for fault in BREAKS_OFF:
            for operation in ("read", "write"):
                with self.subTest(fault=fault, operation=operation):
                    self.check_fault(fault, operation, good_requests=100)

    def test_wrong_data_is_found(self) -> None:
        for fault in DATA_IS_WRONG:
            for operation in ("read", "write", "mixed"):
                for good_requests in (0, 100):
                    with self.subTest(fault=fault, operation=operation, good_requests=good_requests):
                        target = self.scripted_target(fault, good_requests=good_requests)
                        run = bench.initiate(target.name, operation)
                        self.assertEqual(run.status, 1, run.errors)
                        self.assertGreater(run.mismatched_blocks, 0)

    def test_broken_descriptors(self) -> None:
        for fault in REPLY_FAULTS:
            with self.subTest(fault=fault):
                target = self.scripted_target("main", reply_fault=fault)
                self.assert_fails_clearly(bench.initiate(target.name, "read", bench.IMPATIENT))
                self.assertEqual(target.record()["requests"], 0)

    def test_nobody_listens(self) -> None:
        with sockets.listen("127.0.0.1") as listener:
            name = sockets.join_name(*listener.getsockname())
        run = bench.initiate(name, "read", bench.IMPATIENT)
        self.assert_fails_clearly(run)
        self.assertIn(name, run.errors)

    def test_a_target_that_dies_under_way(self) -> None:
        target = self.scripted_target("main", lifetime=1.5)
        self.assert_fails_clearly(bench.initiate(target.name, "mixed", bench.IMPATIENT, duration=5))
