"""A party's own folder: everything that it brings to a federation lies in it, and nothing of that ever comes from a message.

server/     policy.toml  trust.toml  roster.cbor  base.safetensors  message.pem  envelope.pem     state/  release/
nodes/<k>/  policy.toml  trust.toml  roster.cbor  base.safetensors  key.pem                       state/
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import open_roster
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.policy import Policy
from fedproof.round.aggregator import Aggregator
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.counter import Counter
from fedproof.round.node import Node

POLICY, TRUST, ROSTER, BASE = "policy.toml", "trust.toml", "roster.cbor", "base.safetensors"
NODE_KEY, MESSAGE_KEY, ENVELOPE_KEY = "key.pem", "message.pem", "envelope.pem"
STATE, RELEASE = "state", "release"

_MAX_ROSTER = 1 << 26


@dataclass(frozen=True)
class Setting:
    """What a party's folder says, checked against each other. roster: as endorsed, by somebody whom the trust file names. base: the base
    model's file."""

    policy: Policy
    trust: Trust
    roster: Signed
    base: bytes

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises `UsageError` for a file that is missing or cannot be read, `Refused` where the trust file pins another policy."""
        policy = Policy.load(folder / POLICY)
        trust = Trust.load(folder / TRUST)
        trust.check_policy(policy.digest())
        roster = Signed.from_bytes(read_capped(folder / ROSTER, _MAX_ROSTER), limit=_MAX_ROSTER)
        return cls(policy, trust, roster, read_capped(folder / BASE, MAX_FILE))


def open_node(
    folder: Path, *, clock: Callable[[], float] = time.time, counter: Counter | None = None
) -> Node:
    """The node of a folder, with its state in `folder/state`. Its name is the one under which the roster lists its key. Raises `Refused`
    where the files contradict each other or the roster does not list the key, `Malformed`, and `UsageError` for what cannot be
    read, or where another process has the state."""
    setting = Setting.load(folder)
    roster = open_roster(setting.roster, setting.trust.endorsers, setting.policy.federation)
    key = SigningKey.load(folder / NODE_KEY)
    name = next((m.client for m in roster.members if m.key == key.verify_key.raw), None)
    if name is None:
        where = printable(str(folder / NODE_KEY))
        raise Refused("roster", "trust", f"lists no member with the key of {where}")
    chain = Chain.start(setting.policy, setting.base)
    client = Client(name, key, setting.trust.aggregator, roster, setting.roster.digest(), chain)
    return Node(folder / STATE, client, clock=clock, counter=counter)


def open_aggregator(folder: Path, *, clock: Callable[[], float] = time.time) -> Aggregator:
    """The aggregator of a folder, with its record in `folder/state`, every round of it checked again. Raises `Refused` where the files
    contradict each other or the trust file pins another aggregator, `Malformed`, and `UsageError` as `open_node`."""
    setting = Setting.load(folder)
    key = SigningKey.load(folder / MESSAGE_KEY)
    if key.verify_key != setting.trust.aggregator:
        where = printable(str(folder / MESSAGE_KEY))
        raise UsageError(f"{where} is not the key that trust.toml names as the aggregator's message_key")
    return Aggregator(
        folder / STATE,
        key,
        setting.policy,
        setting.roster,
        setting.trust.endorsers,
        setting.base,
        clock=clock,
    )
