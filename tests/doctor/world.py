"""A federation's folder as `provision` lays it out, all keys on one machine; and each of its parties with a round behind it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Roster, endorse
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.round.aggregator import Aggregator
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.node import Node
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    ENDORSER,
    ENDORSERS,
    KEYS,
    NOW,
    POLICY,
    ROSTER,
    SIGNED_ROSTER,
    WEIGHTS,
    numbers,
)

NODES = dict(zip(("0", "1", "2"), ("ada", "bob", "cyd"), strict=True))
ENVELOPE = EnvelopeKey.generate()
TRUST = Trust(AGGREGATOR.verify_key, ENVELOPE.verify_key, ENDORSERS, Policy.parse(POLICY).digest())


def provisioned(folder: Path) -> Path:
    """The folder, made."""
    for party in ("server", *(f"nodes/{k}" for k in NODES)):
        (folder / party).mkdir(parents=True)
        (folder / party / "policy.toml").write_text(POLICY)
        (folder / party / "policy.toml").chmod(0o644)
        TRUST.save(folder / party / "trust.toml")
        (folder / party / "roster.cbor").write_bytes(SIGNED_ROSTER.to_bytes())
        (folder / party / "base.safetensors").write_bytes(BASE_FILE)
    AGGREGATOR.save(folder / "server" / "message.pem")
    ENVELOPE.save(folder / "server" / "envelope.pem")
    for place, name in NODES.items():
        KEYS[name].save(folder / "nodes" / place / "key.pem")
    ENDORSER.save(folder / "endorser.pem")
    return folder


def endorsed(folder: Path, *parties: str, key: SigningKey = ENDORSER, **changes: object) -> Signed:
    """Another roster, put into these parties' folders."""
    signed = endorse(Roster.model_validate({**dict(ROSTER), **changes}), key)
    for party in parties or ("server", *(f"nodes/{k}" for k in NODES)):
        (folder / party / "roster.cbor").write_bytes(signed.to_bytes())
    return signed


def opened(folder: Path, now: int = NOW) -> list[Node]:
    """All nodes, each with its state folder."""
    start = Chain.start(Policy.parse(POLICY), BASE_FILE)
    return [
        Node(
            folder / "nodes" / place / "state",
            Client(name, KEYS[name], AGGREGATOR.verify_key, ROSTER, SIGNED_ROSTER.digest(), start),
            clock=lambda: now,
        )
        for place, name in NODES.items()
    ]


def serving(folder: Path, now: int = NOW) -> Aggregator:
    """The aggregator, with its state folder."""
    root, policy = folder / "server" / "state", Policy.parse(POLICY)
    return Aggregator(root, AGGREGATOR, policy, SIGNED_ROSTER, ENDORSERS, BASE_FILE, clock=lambda: now)


def played(folder: Path, now: int = NOW, *, void: bool = False) -> None:
    """A round on record, adopted by all nodes. void: nobody uploads."""
    with serving(folder, now) as aggregator, ExitStack() as stack:
        nodes = [stack.enter_context(node) for node in opened(folder, now)]
        announcement = aggregator.announce([n.ready(WEIGHTS[n.client.name]) for n in nodes])
        for node in () if void else nodes:
            node.verdict(aggregator.receive(node.upload(announcement, numbers(1)).to_bytes()))
        closed = aggregator.close()
        for node in nodes:
            node.adopt(closed.entry, aggregator.read)
