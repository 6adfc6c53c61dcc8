"""A scripted target: python3 -m peer.target --profile=NAME. Ready, it prints one line of JSON; on SIGTERM another."""

import argparse
import dataclasses
import json
import signal
import sys

from . import descriptor, sockets
from .data_server import DataServer
from .faults import FAULTS
from .handshake_server import HandshakeServer
from .metadata_client import MetadataClient
from .profiles import PROFILES
from .record import Record
from .region import Region
from .replies import REPLY_FAULTS

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
SETTLE_SECONDS = 30.0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="peer.target", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="main", help="whose behaviour")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind and to publish")
    parser.add_argument("--base", type=lambda text: int(text, 0), default=0x7F3210000000, help="first buffer's address")
    parser.add_argument("--buffer-size", type=int, default=1 << 20, help="bytes of each buffer")
    parser.add_argument("--buffers", type=int, default=1, help="how many, one behind the other")
    parser.add_argument("--fill", type=bytes.fromhex, help="hex bytes repeated through the memory")
    parser.add_argument("--fault", choices=FAULTS, default="", help="what it does to requests, beside its profile")
    parser.add_argument("--good-requests", type=int, default=0, help="served properly before the fault")
    parser.add_argument("--apply-delay", type=float, default=0.0, help="seconds until a v1 write reaches the memory")
    parser.add_argument("--reply-fault", choices=REPLY_FAULTS, default="", help="broken answer with the descriptor")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds for which a handshake may be silent")
    parser.add_argument("--metadata", default="", help="URL of the metadata server to publish in")
    parser.add_argument("--lifetime", type=float, default=300.0, help="seconds after which it ends by itself")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    profile = PROFILES[options.profile]
    if options.fault:
        profile = dataclasses.replace(profile, fault=options.fault)
    region = Region(options.base, options.buffer_size, options.buffers, options.fill)
    record = Record(profile)
    data = DataServer(profile, region, record, options.host, options.good_requests, options.apply_delay)
    handshake = HandshakeServer(profile, record, options.host, options.reply_fault, options.patience)
    name = sockets.join_name(options.host, handshake.port)
    data.start()
    segment = descriptor.build(profile, name, data.port, region.buffers)
    handshake.start(segment)
    store = MetadataClient(options.metadata) if options.metadata else None
    if store:
        store.publish(name, options.host, handshake.port, segment)
    ready = {
        "name": name,
        "profile": options.profile,
        "data_port": data.port,
        "buffers": [{"addr": buffer.addr, "length": buffer.length} for buffer in region.buffers],
    }
    print(json.dumps(ready), flush=True)
    signal.sigtimedwait(STOP_SIGNALS, options.lifetime)
    if store and not store.withdraw(name):
        record.violation("what was published could not be withdrawn")
    data.settle(SETTLE_SECONDS)
    print(json.dumps(record.summary()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
