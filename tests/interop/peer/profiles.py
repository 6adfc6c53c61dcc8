"""How the targets of Mooncake's releases behave, and how targets behave that a client must survive."""

from dataclasses import dataclass, field
from typing import Any

from .faults import FAULTS

DEFAULT_HANDSHAKE = {
    "local_gid": "",
    "local_lid": 0,
    "local_nic_path": "",
    "payload": "",
    "peer_nic_path": "",
    "qp_num": [],
    "reply_msg": "",
}


@dataclass(frozen=True)
class Profile:
    publishes_v2: bool = True  # tcp_proto_version 2 in the descriptor
    speaks_v2: bool = True  # answers bit 7 with status frames
    closes: bool = False  # one request a connection
    validates: bool = True  # rejects addresses outside its buffers; others would crash on them
    highest_type: int = 3  # of the handshake's messages
    publishes_files: bool = False  # `"file_buffers": []` in every descriptor
    connection_reply: Any = field(default_factory=lambda: DEFAULT_HANDSHAKE)
    notify_reply: Any = field(default_factory=lambda: {"name": "", "notify_msg": "success"})
    dribbles: bool = False  # sends and receives in tiny pieces
    fault: str = ""  # a name of faults.FAULTS


PROFILES: dict[str, Profile] = {
    "main": Profile(),
    # What v0.3.10 answers to types 0 and 2 was never observed; it gets those of nvmf.
    "v0.3.10": Profile(
        publishes_v2=False,
        speaks_v2=False,
        validates=False,
        highest_type=2,
        connection_reply=None,
        notify_reply=None,
    ),
    "nvmf": Profile(
        publishes_v2=False,
        speaks_v2=False,
        closes=True,
        validates=False,
        highest_type=2,
        publishes_files=True,
        connection_reply=None,
        notify_reply=None,
    ),
    "lying": Profile(speaks_v2=False),
    "lying-closing": Profile(speaks_v2=False, closes=True),
    "v2-closing": Profile(closes=True),
    "slow": Profile(dribbles=True),
    **{name: Profile(fault=name) for name in FAULTS},
}
