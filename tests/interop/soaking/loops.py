"""The parts of the soak, a thread each: they load, restart, judge, until the time is over or one has failed."""

import signal
import subprocess
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from random import Random

from soaking import program
from soaking.program import Initiator, Outcome, Setting, Target, complaint


class Soak:
    """What the parts share."""

    def __init__(self, setting: Setting, seconds: float, seed: int) -> None:
        self.setting = setting
        self.seed = seed
        self.seconds = seconds
        self.over = threading.Event()
        self.failures: list[str] = []
        self.counts: Counter[str] = Counter()
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()

    def left(self) -> float:
        return 0.0 if self.over.is_set() else max(0.0, self._until - time.monotonic())

    def fail(self, what: str) -> None:
        with self._lock:
            self.failures.append(what)
        self.over.set()

    def count(self, what: str, more: int = 1) -> None:
        with self._lock:
            self.counts[what] += more

    def judge(self, what: str, outcome: Outcome, allowed: set[int]) -> None:
        self.count(f"{what}, status {outcome.status}")
        self.count("blocks verified", outcome.verified)
        if wrong := complaint(outcome, allowed):
            self.fail(f"{what}: {wrong}")

    def part(self, name: str, body: Callable[[Random], None]) -> threading.Thread:
        """Runs `body` again and again, with numbers of its own drawn from the seed."""
        random = Random(f"{self.seed}/{name}")

        def repeat() -> None:
            try:
                while self.left() > 0:
                    body(random)
            except subprocess.TimeoutExpired:
                self.fail(f"{name}: a process hangs")
            except Exception:
                self.fail(f"{name}: {traceback.format_exc()}")

        thread = threading.Thread(target=repeat, name=name)
        thread.start()
        return thread


def restless_client(soak: Soak, target: Target) -> Callable[[Random], None]:
    """Clients of a target that stays: one ends by itself, one is told to, one is killed."""

    def body(random: Random) -> None:
        seconds = random.uniform(0.2, 4.0)
        client = Initiator(soak.setting, target.name, seconds, random)
        end = random.choice([None, signal.SIGTERM, signal.SIGKILL])
        if end is None:
            return soak.judge("client", client.outcome(), program.FINISHED)
        time.sleep(random.uniform(0.0, seconds))
        client.end(end)
        allowed = program.STOPPED if end == signal.SIGTERM else program.KILLED
        return soak.judge(f"client ended by {end.name}", client.outcome(), allowed)

    return body


def restless_target(soak: Soak, port: int) -> Callable[[Random], None]:
    """A target at one address that is killed or told to stop under load, and comes back."""

    def body(random: Random) -> None:
        clients: list[Initiator] = []
        with Target(soak.setting, port) as target:
            until = time.monotonic() + random.uniform(0.5, 4.0)
            while time.monotonic() < until:
                seconds = random.uniform(0.2, 6.0)
                clients.append(Initiator(soak.setting, target.name, seconds, random, program.IMPATIENT))
                while time.monotonic() < until and clients[-1].process.poll() is None:
                    time.sleep(0.02)
            end = random.choice([signal.SIGTERM, signal.SIGKILL])
            target.process.send_signal(end)
            status = target.process.wait(program.LIMIT_SECONDS)
            soak.count(f"target ended by {end.name}, status {status}")
            if status != (0 if end == signal.SIGTERM else -end):
                soak.fail(f"target ended by {end.name}: status {status}\n{target.errors()}")
        for client in clients:
            soak.judge("client of the restarted target", client.outcome(), program.LOST_TARGET)

    return body
