"""Engines as Mooncake's releases have them beside ours, in one `mc-meta serve`: neither minds how the other writes."""

import subprocess

import bench
import meta
from peer import descriptor, sockets
from peer.initiator import DataConnection
from peer.metadata_client import MetadataClient, location_key, segment_key
from peer.profiles import PROFILES
from peer.region import Buffer
from support import InteropTest, ReadyProcess, ScriptedTarget

RELEASED = ("main", "v0.3.10", "nvmf")
BOTH = ("mc-target", "mc-bench")


class StockEngines(InteropTest):
    def setUp(self) -> None:
        server = self.enterContext(ReadyProcess([bench.program("mc-meta"), "serve", "--json", "--listen=127.0.0.1:0"]))
        self.url: str = server.ready["urls"][0]
        self.store = MetadataClient(self.url)

    def keys(self) -> list[str]:
        run = meta.call(self.url, "list", "--keys-only")
        self.assertEqual(run.status, 0, run.errors)
        return run.output.decode().split()

    def ours(self, program: str, name: str = "127.0.0.1") -> ReadyProcess:
        return self.enterContext(ReadyProcess(self.command(program, name)))

    def command(self, program: str, name: str) -> list[str]:
        flags = {
            "mc-target": ["serve", "--memory=1MiB", "--control-socket=none"],
            "mc-bench": ["--mode=target", "--block_size=4KiB", "--threads=1", "--buffer_size=1MiB"],
        }[program]
        where = [f"--metadata_server={self.url}", f"--local_server_name={name}", "--json"]
        return [bench.program(program), *flags, *where]

    def initiate(self, segment: str, operation: str) -> bench.Run:
        flags = {"metadata_server": self.url, "local_server_name": "localhost", "duration": "300ms"}
        return bench.initiate(segment, operation, **flags)

    def test_our_initiator_and_a_stock_target(self) -> None:
        for profile in RELEASED:
            for operation in ("read", "write", "mixed"):
                with self.subTest(profile=profile, operation=operation):
                    target = self.scripted_target(profile, metadata=self.url, buffers=20)
                    self.assertEqual(self.keys(), [segment_key(target.name), location_key(target.name)])
                    run = self.initiate(target.name, operation)
                    record = target.record()
                    self.assertEqual(run.status, 0, run.errors)
                    self.assertEqual(run.mismatched_blocks, 0)
                    self.assertEqual(record["violations"], {})
                    self.assertEqual(self.keys(), [])

    def test_a_stock_initiator_and_our_targets(self) -> None:
        for program in BOTH:
            with self.subTest(program=program):
                target = self.ours(program)
                # Itself first, as an initiator does.
                own = descriptor.build(PROFILES["main"], "stock", 12345, [Buffer(4096, memoryview(bytes(4096)))] * 50)
                self.store.publish("stock", "127.0.0.1", 12001, own)
                self.assertEqual(self.store.get(segment_key("stock")), own)
                found = self.store.get(segment_key("127.0.0.1"))
                self.assertEqual(descriptor.problems(found), [])
                location = self.store.get(location_key(found["name"]))
                self.assertEqual(set(location), {"ip_or_host_name", "rpc_port"})
                base, data = found["buffers"][0]["addr"], bytes(range(256)) * 16
                with DataConnection(location["ip_or_host_name"], found["tcp_data_port"]) as connection:
                    connection.write_v2(base, data)
                    self.assertEqual(connection.read_v2(base, len(data)), data)
                    connection.write(base + 1, data)
                    self.assertEqual(connection.read(base + 1, len(data)), data)
                self.assertTrue(self.store.withdraw("stock"))
                self.assertEqual(target.stop()[0], 0, target.errors())
                self.assertEqual(self.keys(), [])

    def test_a_stock_engine_overwrites_our_keys_and_they_stay_its_own(self) -> None:
        """It asks nobody, and has no versions."""
        for program in BOTH:
            with self.subTest(program=program):
                target = self.ours(program)
                own = descriptor.build(PROFILES["main"], "127.0.0.1", 12345, [Buffer(4096, memoryview(bytes(4096)))])
                self.store.publish("127.0.0.1", "127.0.0.1", 12001, own)
                self.assertEqual(target.stop()[0], 0, target.errors())
                self.assertEqual(self.store.get(segment_key("127.0.0.1")), own)
                self.assertTrue(self.store.withdraw("127.0.0.1"))

    def test_a_live_stock_engine_keeps_its_name(self) -> None:
        """Whether it answers a probe, as since v0.3.11, or closes."""
        for profile in RELEASED:
            for program in BOTH:
                with self.subTest(profile=profile, program=program):
                    owner = self.scripted_target(profile, metadata=self.url)
                    again = subprocess.run(
                        [*self.command(program, owner.name), "--bind_address=127.0.0.2"],
                        capture_output=True,
                        text=True,
                        timeout=meta.OUTER_LIMIT_SECONDS,
                    )
                    self.assertEqual(again.returncode, 73, again.stderr)
                    self.assertIn(f"server name {owner.name}: taken by a live owner at {owner.name}", again.stderr)
                    location = {"ip_or_host_name": "127.0.0.1", "rpc_port": sockets.split_name(owner.name)[1]}
                    self.assertEqual(self.store.get(location_key(owner.name)), location)
                    self.assertEqual(owner.record()["violations"], {})

    def test_the_name_of_a_killed_stock_engine_is_taken_over(self) -> None:
        for program in BOTH:
            with self.subTest(program=program):
                owner = self.scripted_target("main", metadata=self.url)
                self.kill(owner)
                heir = self.ours(program, owner.name)
                run = self.initiate(owner.name, "mixed")
                self.assertEqual(run.status, 0, run.errors)
                self.assertEqual(run.mismatched_blocks, 0)
                self.assertEqual(heir.stop()[0], 0, heir.errors())
                self.assertEqual(self.keys(), [])

    def kill(self, target: ScriptedTarget) -> None:
        target.process.kill()
        target.process.wait()
        self.assertEqual(self.keys(), [segment_key(target.name), location_key(target.name)])
