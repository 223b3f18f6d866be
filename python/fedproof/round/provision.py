"""The folders of all parties of a federation, made on one machine: for simulation and trials, where nobody has to be kept apart. Where
parties do not trust each other, each makes its own key (docs/how-to/set-up-a-federation.md)."""

from __future__ import annotations

from pathlib import Path

from fedproof.encoding.files import make_folder, write_atomic
from fedproof.encoding.text import counted, printable
from fedproof.errors import UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.folder import BASE, ENVELOPE_KEY, MESSAGE_KEY, NODE_KEY, POLICY, ROSTER, TRUST

ENDORSER = "endorser"
MAX_NODES = 10_000


def check_count(nodes: int) -> None:
    """As many nodes as can be provisioned, 1 to 10,000. Raises `UsageError`."""
    if not 1 <= nodes <= MAX_NODES:
        raise UsageError(f"{nodes} nodes; 1 to {MAX_NODES} can be provisioned")


def provision(folder: Path, *, policy: bytes, base: bytes, nodes: int) -> tuple[str, ...]:
    """Makes `folder`, which is not there yet, with `server/`, `nodes/0/` … and the endorser's key, as `round.folder` lays them out;
    returns the nodes' names. policy: the TOML text. base: the base model's file. nodes: how many, up to 10,000.

    Raises `Malformed` for a policy or a base model that cannot be read, `Refused` where the policy names another base model, and
    `UsageError` for a folder that is there, or cannot be written."""
    held = Policy.parse(policy.decode())
    Chain.start(held, base)
    check_count(nodes)
    if held.masking.enabled and nodes < held.masking.fewest:
        detail = f"{counted(nodes, 'node')}: a masked round of this policy needs {held.masking.fewest}"
        raise UsageError(f"{detail}, and as many more as may be away")
    if folder.exists():
        raise UsageError(f"{printable(str(folder))} exists; keys are never overwritten: name a new folder")
    endorser, message, envelope = SigningKey.generate(), SigningKey.generate(), EnvelopeKey.generate()
    keys = {f"node-{k}": SigningKey.generate() for k in range(nodes)}
    members = tuple(Member(client=name, key=key.verify_key.raw) for name, key in sorted(keys.items()))
    roster = Roster(version=1, federation=held.federation, endorser=ENDORSER, previous=None, members=members)
    signed = endorse(roster, endorser).to_bytes()
    trust = Trust(message.verify_key, envelope.verify_key, {ENDORSER: endorser.verify_key}, held.digest())
    server = folder / "server"
    places = {f"node-{k}": folder / "nodes" / str(k) for k in range(nodes)}
    for place in (server, *places.values()):
        make_folder(place)
        write_atomic(place / POLICY, policy)
        trust.save(place / TRUST)
        write_atomic(place / ROSTER, signed)
        write_atomic(place / BASE, base)
    message.save(server / MESSAGE_KEY)
    envelope.save(server / ENVELOPE_KEY)
    for name, place in places.items():
        keys[name].save(place / NODE_KEY)
    endorser.save(folder / f"{ENDORSER}.pem")
    return tuple(keys)
