"""The base of the tests of targets: each must still serve after whatever a test did to it."""

import random

from bench import BenchTarget, MemoryTarget, Target
from support import InteropTest


class TargetTest(InteropTest):
    """Of mc-bench --mode=target."""

    def started(self) -> Target:
        return BenchTarget()

    def setUp(self) -> None:
        self.target = self.enterContext(self.started())
        self.random = random.Random(self.id())

    def tearDown(self) -> None:
        if self.target.process.returncode is None:
            self.assert_serves()
            status, _ = self.target.stop()
            self.assertEqual(status, 0, self.target.errors())

    def data(self, size: int = 16) -> bytes:
        return self.random.randbytes(size)

    def assert_serves(self) -> None:
        """Answers the handshake, and gives back what is written to it."""
        self.assertIsNone(self.target.process.poll(), "the target has ended")
        self.assertEqual(self.target.handshake.descriptor()["name"], self.target.name)
        data = self.data(5000)
        with self.target.connect() as connection:
            connection.write_v2(self.target.base + 3, data)
        with self.target.connect() as connection:
            self.assertEqual(connection.read_v2(self.target.base + 3, len(data)), data)


class MemoryTargetTest(TargetTest):
    """The same, of mc-target; to be named before the class whose tests these are."""

    def started(self) -> Target:
        return MemoryTarget()
