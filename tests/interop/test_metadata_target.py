"""mc-target and mc-bench --mode=target where their metadata server fails: before they serve, and at their end."""

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Callable

import bench
import meta
from support import InteropTest, ReadyProcess, several_at_once

COMMANDS = {
    "mc-target": ("mc-target", "serve", "--memory=1MiB", "--control-socket=none", "--json"),
    "mc-bench": ("mc-bench", "--mode=target", "--block_size=4KiB", "--threads=1", "--buffer_size=1MiB", "--json"),
}
ENDS = ((signal.SIGSTOP, "no answer within "), (signal.SIGKILL, "Connection refused"))
DESCRIPTOR = "PUT /metadata?key=mooncake%2Fram%2F127.0.0.1"
LOCATION = "PUT /metadata?key=mooncake%2Frpc_meta%2F127.0.0.1"

Case = tuple[Callable[[], tuple[ReadyProcess, str]], str, tuple[signal.Signals, str]]


def command(name: str, url: str) -> list[str]:
    program, *flags = COMMANDS[name]
    return [bench.program(program), *flags, f"--metadata_server={url}", "--local_server_name=127.0.0.1"]


def real_server() -> tuple[ReadyProcess, str]:
    server = ReadyProcess([bench.program("mc-meta"), "serve", "--json", "--listen=127.0.0.1:0"])
    return server, server.ready["urls"][0]


def scripted_server() -> tuple[ReadyProcess, str]:
    server = meta.ScriptedMetadataServer()
    return server, server.url


def leave_alone(server: ReadyProcess, sent: signal.Signals) -> None:
    """Kills or stops it, and waits until each of its threads stands still."""
    server.process.send_signal(sent)
    if sent == signal.SIGKILL:
        server.process.wait()
    else:
        os.waitpid(server.process.pid, os.WUNTRACED)


def run_in_vain(name: str, fault: str, **good: object) -> tuple[meta.Run, list[str]]:
    """`good`: what the server does before it fails. Returns its requests, too, unless it has died."""
    with meta.ScriptedMetadataServer(fault=fault, **good) as server:
        done = subprocess.run(
            command(name, server.url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=meta.OUTER_LIMIT_SECONDS,
            env=os.environ | meta.limits(fault),
        )
        run = meta.Run(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
        return run, [] if fault == "dies" else server.record()["requests"]


class Starting(InteropTest):
    def assert_told(self, name: str, run: meta.Run, code: int, words: str) -> None:
        self.assertEqual(run.status, code, run.errors)
        self.assertRegex(run.errors, f"(?m)^{name}: publish 127.0.0.1: ")
        self.assertIn(words, run.errors)
        self.assertEqual(list(json.loads(run.output)), ["schema_version", "error"])

    def test_every_fault_at_every_step(self) -> None:
        cases = list(itertools.product(COMMANDS, meta.TOLD, range(4)))
        ends = several_at_once(lambda case: run_in_vain(case[0], case[1], good_requests=case[2]), cases)
        for (name, fault, good_requests), (run, _) in ends:
            with self.subTest(command=name, fault=fault, good_requests=good_requests):
                self.assert_told(name, run, *meta.TOLD[fault])

    def test_every_fault_between_the_address_and_the_descriptor(self) -> None:
        """What has been published then stays, and that is told."""
        cases = list(itertools.product(COMMANDS, meta.TOLD))
        for (name, fault), (run, requests) in several_at_once(
            lambda case: run_in_vain(*case, good_until=DESCRIPTOR), cases
        ):
            with self.subTest(command=name, fault=fault):
                self.assert_told(name, run, *meta.TOLD[fault])
                self.assertIn("warning withdraw mooncake/rpc_meta/127.0.0.1: ", run.errors)
                if fault != "dies":
                    self.assertIn(LOCATION, requests)

    def test_a_server_that_fails_once_keeps_nothing(self) -> None:
        for name in COMMANDS:
            with self.subTest(command=name):
                with meta.ScriptedMetadataServer(fault="refuses", good_until=DESCRIPTOR, bad_requests=1) as server:
                    done = subprocess.run(command(name, server.url), capture_output=True, timeout=60)
                    self.assertEqual(done.returncode, 74, done.stderr)
                    record = server.record()
                self.assertIn(LOCATION, record["requests"])
                self.assertEqual(record["keys"], [])


class Ending(InteropTest):
    """Whoever has published something ends in order, and in time, though its server does not answer any more."""

    def test_a_target_whose_server_hangs_or_is_gone(self) -> None:
        def run(case: Case) -> tuple[int, str]:
            open_server, name, (sent, _) = case
            server, url = open_server()
            with server, ReadyProcess(command(name, url), {"MC_METADATA_TIMEOUT": meta.PATIENCE}) as target:
                leave_alone(server, sent)
                return target.stop()[0], target.errors()

        cases: list[Case] = list(itertools.product((real_server, scripted_server), COMMANDS, ENDS))
        for (open_server, name, (sent, words)), (status, errors) in several_at_once(run, cases):
            with self.subTest(server=open_server.__name__, command=name, signal=sent):
                self.assertEqual(status, 0, errors)
                self.assertRegex(errors, f"warning withdraw mooncake/.*: .*{words}")

    def test_an_initiator_whose_server_hangs(self) -> None:
        for open_server in (real_server, scripted_server):
            server, url = open_server()
            with self.subTest(server=open_server.__name__), server, ReadyProcess(command("mc-target", url)):
                run = bench.initiate(
                    "127.0.0.1",
                    "mixed",
                    {"MC_METADATA_TIMEOUT": meta.PATIENCE},
                    under_way=lambda: leave_alone(server, signal.SIGSTOP),
                    metadata_server=url,
                    local_server_name="localhost",
                    duration="100ms",
                    repeat=20,
                )
                self.assertEqual(run.status, 0, run.errors)
                self.assertEqual(run.mismatched_blocks, 0)
                self.assertRegex(run.errors, "withdraw mooncake/ram/localhost: .*no answer within ")
                self.assertIn("withdraw mooncake/rpc_meta/localhost: ", run.errors)  # For which little time was left.
