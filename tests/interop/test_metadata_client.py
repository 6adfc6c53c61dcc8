"""mc-meta and mc-bench over Mooncake's metadata servers, and over broken ones."""

import json
import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import bench
import meta
from peer import sockets
from peer.metadata_faults import FAULTS
from peer.metadata_server import PROFILES
from support import InteropTest, ReadyProcess, several_at_once, weigh

KEY = "mooncake/ram/a b:1/ü%?&#"


class MetadataServerTest(InteropTest):
    def scripted(self, profile: str = "go", **options: object) -> meta.ScriptedMetadataServer:
        server = meta.ScriptedMetadataServer(profile, **options)
        self.enterContext(server)
        return server

    def assert_told(self, run: meta.Run | bench.Run, program: str, code: int, words: str) -> None:
        self.assertEqual(run.status, code, run.errors)
        self.assertRegex(run.errors, f"(?m)^{program}: ")
        self.assertIn(words, run.errors)


class Released(MetadataServerTest):
    def test_values_come_back_as_they_were(self) -> None:
        value = bytes(range(256)) * 300 + b"\n\r\n\0"
        for profile in PROFILES:
            with self.subTest(profile=profile):
                server = self.scripted(profile)
                self.assertEqual(meta.call(server.url, "put", KEY, "-", value=value).status, 0)
                got = meta.call(server.url, "get", KEY)
                self.assertEqual((got.status, got.output), (0, value))
                self.assertEqual(meta.call(server.url, "remove", KEY).status, 0)
                missing = meta.call(server.url, "get", KEY)
                self.assertEqual((missing.status, missing.output), (1, b""))
                self.assertIn("no such key", missing.errors)
                self.assertEqual(server.record()["conditions"], 0)

    def test_removing_what_is_not_there(self) -> None:
        for profile, status in (("go", 0), ("python", 1), ("embedded", 1)):
            with self.subTest(profile=profile):
                server = self.scripted(profile)
                self.assertEqual(meta.call(server.url, "remove", KEY).status, status)
                self.assertEqual(meta.call(server.url, "remove", KEY, "--if-missing=ok").status, 0)

    def test_a_condition_is_never_sent_to_a_server_that_would_ignore_it(self) -> None:
        for profile in PROFILES:
            with self.subTest(profile=profile):
                server = self.scripted(profile)
                for arguments in (("put", KEY, "x", "--if-absent"), ("put", KEY, "x", "--if-version=1")):
                    run = meta.call(server.url, *arguments)
                    self.assertEqual(run.status, 69, run.errors)
                    self.assertIn("knows no preconditions", run.errors)
                self.assertEqual(meta.call(server.url, "remove", KEY, "--if-version=1").status, 69)
                record = server.record()
                self.assertEqual(record["conditions"], 0)
                self.assertEqual({request.split()[0] for request in record["requests"]}, {"HEAD"})

    def test_list_and_watch_say_that_the_server_cannot(self) -> None:
        for command in ("list", "watch"):
            run = meta.call(self.scripted().url, command)
            self.assertEqual(run.status, 69)
            self.assertIn("it is not mc-meta serve", run.errors)

    def test_a_name_that_a_crashed_engine_has_left(self) -> None:
        key = "mooncake/rpc_meta/node1"
        for profile in ("python", "embedded"):
            with self.subTest(profile=profile):
                server = self.scripted(profile)
                self.assertEqual(meta.call(server.url, "put", key, "old").status, 0)
                run = meta.call(server.url, "put", key, "new")
                self.assertEqual(run.status, 73, run.errors)
                self.assertIn("Duplicate rpc_meta key not allowed", run.errors)
                self.assertIn(f"mc-meta remove {key}", run.errors)

    def test_a_path_that_is_wrong(self) -> None:
        url = self.scripted().url.replace("/metadata", "/meta")
        for arguments in (("get", KEY), ("put", KEY, "x")):
            run = meta.call(url, *arguments)
            self.assertIn("/metadata", run.errors)
            self.assertIn(run.status, {1, 69})

    def test_no_proxy_unless_asked(self) -> None:
        server = self.scripted()
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
        self.assertEqual(meta.call(server.url, "put", KEY, "x", environment=proxies).status, 0)
        proxied = meta.call(server.url, "get", KEY, environment={"MC_METADATA_PROXY": "http://127.0.0.1:9"})
        self.assertEqual(proxied.status, 69, proxied.errors)
        # Any HTTP server sees from the request's line that it was asked as a proxy.
        proxy = self.scripted()
        meta.call(server.url, "get", KEY, environment={"MC_METADATA_PROXY": proxy.url, "no_proxy": "*"})
        self.assertTrue(proxy.record()["requests"][0].startswith("GET http://127.0.0.1:"))


class Encrypted(MetadataServerTest):
    def test_certificates_are_verified(self) -> None:
        with TemporaryDirectory() as directory:
            own = Path(directory) / "own.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=metadata"]
                + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{own}.key", "-out", str(own)],
                check=True,
                capture_output=True,
            )
            both = Path(directory) / "both.pem"
            both.write_bytes(own.read_bytes() + Path(f"{own}.key").read_bytes())
            server = self.scripted(certificate=both)
            run = meta.call(server.url, "put", KEY, "x")
            self.assertEqual(run.status, 77, run.errors)
            trusted = meta.call(server.url, "put", KEY, "x", f"--metadata_ca_file={own}")
            self.assertEqual(trusted.status, 0, trusted.errors)
            # Its certificate is for the address, not for that name.
            other = server.url.replace("127.0.0.1", "localhost")
            self.assertEqual(meta.call(other, "get", KEY, f"--metadata_ca_file={own}").status, 77)
            self.assertEqual(meta.call(server.url.replace("https", "http"), "get", KEY).status in {69, 76}, True)


class Broken(MetadataServerTest):
    def test_every_fault_is_told_in_time(self) -> None:
        self.assertEqual(set(FAULTS), {*meta.TOLD, "not-json"})

        def run(fault: str) -> meta.Run:
            with meta.ScriptedMetadataServer(fault=fault) as server:
                return meta.call(server.url, "get", KEY, environment=meta.limits(fault))

        for fault, ended in several_at_once(run, list(meta.TOLD)):
            with self.subTest(fault=fault):
                self.assert_told(ended, "mc-meta", *meta.TOLD[fault])
                self.assertEqual(ended.output, b"")

    def test_a_huge_value_takes_no_memory(self) -> None:
        url = self.scripted(fault="huge-unannounced").url
        status, errors, memory = weigh(meta.command(url, "get", KEY, "--metadata_timeout=60"))
        self.assertEqual(status, 65)
        self.assertIn("longer than 67108864 bytes", errors)
        self.assertLess(memory, 400 << 20)

    def test_nobody_listens(self) -> None:
        taken = self.enterContext(socket.socket())  # Nobody else listens there meanwhile.
        taken.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}/metadata"
        for arguments in (("get", KEY), ("put", KEY, "x"), ("remove", KEY), ("list",), ("watch",)):
            run = meta.call(url, *arguments)
            self.assertEqual(run.status, 69, run.errors)
            self.assertIn("Connection refused", run.errors)
            self.assertIn("is the metadata server running there?", run.errors)
            self.assertNotIn("secret", run.errors)

    def check_initiators(self, words: str, **good: object) -> None:
        """`good`: what the server does before it fails. Words that a message has besides those of the fault."""

        def run(fault: str) -> bench.Run:
            with meta.ScriptedMetadataServer(fault=fault, **good) as server:
                return bench.initiate("node1", "read", meta.limits(fault), metadata_server=server.url)

        for fault, ended in several_at_once(run, list(FAULTS)):
            with self.subTest(fault=fault):
                # It writes what it likes, and finds out only when it looks for somebody else's.
                if fault == "not-json":
                    self.assert_told(ended, "mc-bench", 65, "segment node1: segment descriptor: malformed JSON")
                else:
                    self.assert_told(ended, "mc-bench", *meta.TOLD[fault])
                    self.assertIn(words, ended.errors)

    def test_an_engine_does_not_start(self) -> None:
        self.check_initiators("publish 127.0.0.1: ")

    def test_every_fault_of_a_lookup(self) -> None:
        self.check_initiators("segment node1: ", good_until="GET /metadata?key=mooncake%2Fram%2Fnode1")


class Engines(MetadataServerTest):
    def target(self, url: str, name: str, **options: object) -> ReadyProcess:
        flags = [f"--{key}={value}" for key, value in ({"buffer_size": 1 << 20} | options).items()]
        command = [bench.program(), "--mode=target", f"--metadata_server={url}", f"--local_server_name={name}"]
        process = ReadyProcess([*command, "--json", *flags])
        self.enterContext(process)
        return process

    def test_target_and_initiator_over_every_server(self) -> None:
        for profile in PROFILES:
            with self.subTest(profile=profile):
                server = self.scripted(profile)
                target = self.target(server.url, "127.0.0.1")
                run = bench.initiate("127.0.0.1", "mixed", metadata_server=server.url, local_server_name="localhost")
                self.assertEqual(run.status, 0, run.errors)
                self.assertEqual(run.mismatched_blocks, 0)
                self.assertEqual(target.stop()[0], 0)
                record = server.record()
                self.assertEqual(record["keys"], [])
                self.assertEqual(record["conditions"], 0)
                for kind in ("rpc_meta", "ram"):
                    for method in ("PUT", "GET", "DELETE"):
                        self.assertIn(f"{method} /metadata?key=mooncake%2F{kind}%2F127.0.0.1", record["requests"])

    def test_what_somebody_else_has_put_there_stays(self) -> None:
        server = self.scripted("go")
        target = self.target(server.url, "127.0.0.1")
        key = "mooncake/ram/127.0.0.1"
        self.assertEqual(meta.call(server.url, "put", key, "{}").status, 0)
        self.assertEqual(target.stop()[0], 0)
        self.assertEqual(server.record()["keys"], [key])

    def test_a_crashed_engine_rejoins_on_a_server_that_refuses_a_name_twice(self) -> None:
        server = self.scripted("python")
        crashed = self.target(server.url, "127.0.0.1")
        crashed.process.kill()
        crashed.process.wait()
        self.assertEqual(self.target(server.url, "127.0.0.1").stop()[0], 0)

    def test_a_crashed_engine_that_may_not_take_a_name_over(self) -> None:
        server = self.scripted("python")
        crashed = self.target(server.url, "127.0.0.1")
        crashed.process.kill()
        crashed.process.wait()
        again = subprocess.run(
            [
                bench.program(),
                "--mode=target",
                "--take-over=never",
                f"--metadata_server={server.url}",
                "--local_server_name=127.0.0.1",
            ],
            capture_output=True,
            text=True,
            timeout=meta.OUTER_LIMIT_SECONDS,
        )
        self.assertEqual(again.returncode, 73, again.stderr)
        self.assertIn("--take-over=always", again.stderr)

    def test_the_server_goes_while_bytes_move(self) -> None:
        server = self.scripted("go")
        target = self.target(server.url, "127.0.0.1")
        flags = [f"--metadata_server={server.url}", "--segment_id=127.0.0.1", "--verify", "--json", "--duration=1"]
        initiator = subprocess.Popen(
            [bench.program(), *flags, "--block_size=4096", "--batch_size=16", "--threads=1", "--repeat=10"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(initiator.kill)
        assert initiator.stderr is not None
        self.assertIn("Test completed", initiator.stderr.readline())
        server.process.kill()
        server.process.wait()
        output, errors = initiator.communicate(timeout=meta.OUTER_LIMIT_SECONDS)
        self.assertEqual(initiator.returncode, 0, errors)
        self.assertEqual(sum(bench.figures(json.loads(output), "mismatched_blocks")), 0)
        self.assertIn("withdraw mooncake/rpc_meta/", errors)
        self.assertEqual(target.stop()[0], 0)
        self.assertIn("withdraw mooncake/ram/127.0.0.1", target.errors())
